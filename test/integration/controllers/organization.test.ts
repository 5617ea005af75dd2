import { describe, expect, it } from "vitest";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { findCondition } from "../../../src/api/condition.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { ORGANIZATION, type Organization } from "../../../src/api/organization.ts";
import { createOrganizationReconciler } from "../../../src/controllers/organization/controller.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { MAX_TRIES } from "../../../src/kube/failure.ts";
import {
  LIMIT_RANGES,
  NAMESPACES,
  NETWORK_POLICIES,
  RESOURCE_QUOTAS,
  ROLE_BINDINGS,
} from "../../../src/kube/resource.ts";
import { namespaceNamed, readyOf, signal, useKindBench } from "../../support/process/kind-bench.ts";
import { until } from "../../support/wait.ts";

const { bench, common, create, read } = useKindBench();

describe("the Organization controller", () => {
  const organization = (name: string) =>
    ({
      apiVersion: "catalyst.openova.io/v1alpha1",
      kind: "Organization",
      metadata: { name },
      spec: { displayName: name, owner: "salma", sovereign: "one" },
    }) as unknown as KubernetesObject;
  const homeDeps = () => {
    const { organizations, namespaces, roleBindings, networkPolicies, resourceQuotas, limitRanges } =
      bench.caches();
    const homes = [roleBindings, networkPolicies, resourceQuotas, limitRanges];
    const subscriptions = {
      standingOf: () => ({ status: "past_due", periodEndsAt: undefined }),
      connect: () => undefined,
    };
    return { organizations, namespaces, homes, subscriptions, lists: identityLists() };
  };
  const reconciler = () => {
    const applier = createApplier(common());
    return createOrganizationReconciler({ ...common(), ...homeDeps(), applier });
  };

  it("creates the namespace and its RoleBinding, and lists the environments beside it", async () => {
    const { organizations, namespaces } = bench.caches();
    await create(organizations, organization("acme"));
    await create(namespaces, namespaceNamed("acme-live", { "catalyst.openova.io/organization": "acme" }));
    expect(await reconciler()("acme", signal)).toEqual({ kind: "done" });
    const seen = await read<Organization>(ORGANIZATION, "acme");
    expect(seen?.status?.namespaces).toEqual(expect.arrayContaining(["acme-live", "org-acme"]));
    expect(findCondition(seen?.status?.conditions, "Ready")?.reason).toBe("HomeReady");
    const key = { namespace: "org-acme", name: "organization-members" };
    expect(await bench.client().get(ROLE_BINDINGS, key)).toMatchObject({ subjects: [{ name: "salma" }] });
    await until(async () => bench.caches().namespaces.get("org-acme"), "the home in the cache");
    expect(await reconciler()("acme", signal)).toEqual({ kind: "done" });
  });

  it("follows the subscription of the order that created it", async () => {
    const ordered = organization("ordered") as Organization;
    await create(bench.caches().organizations, {
      ...ordered,
      spec: { ...ordered.spec, order: "17" },
    } as never);
    // The reading may be outdated then.
    expect(await reconciler()("ordered", signal)).toEqual({
      kind: "done",
      requeueAfterMs: expect.any(Number),
    });
    const { conditions } = (await read<Organization>(ORGANIZATION, "ordered"))?.status ?? {};
    expect(findCondition(conditions, "SubscriptionActive")).toMatchObject({
      ...{ status: "False", reason: "PastDue" },
    });
    expect(findCondition(conditions, "Ready")?.status).toBe("True");
  });

  it("puts back the quota that others raised, and the network policy that they deleted", async () => {
    await create(bench.caches().organizations, organization("bounded"));
    const { networkPolicies, resourceQuotas } = bench.caches();
    const key = { namespace: "org-bounded", name: "organization" };
    const reconcile = reconciler();
    await reconcile("bounded", signal);
    await bench
      .client()
      .mergePatch(RESOURCE_QUOTAS, key, { spec: { hard: { pods: "9000", "requests.cpu": "900" } } });
    await bench.client().delete(NETWORK_POLICIES, key);
    await until(
      async () =>
        networkPolicies.get("org-bounded/organization") === undefined &&
        JSON.stringify(resourceQuotas.get("org-bounded/organization")).includes("9000")
          ? true
          : undefined,
      "the changes in the cache",
    );
    await reconcile("bounded", signal);
    expect(await bench.client().get(RESOURCE_QUOTAS, key)).toMatchObject({
      spec: { hard: { pods: "50", "requests.cpu": "4" } },
    });
    expect(await bench.client().get(NETWORK_POLICIES, key)).toMatchObject({
      spec: { policyTypes: ["Ingress"] },
    });
    expect((await bench.events("bounded")).map(({ message }) => message).sort()).toEqual([
      "NetworkPolicy org-bounded/organization: deleted: the operator puts it back",
      "ResourceQuota org-bounded/organization: spec.hard.requests.cpu, spec.hard.pods: the operator puts it back",
    ]);
  });

  it("stalls on a namespace that is not its own, and creates nothing in it", async () => {
    await create(bench.caches().organizations, organization("taken"));
    await create(bench.caches().namespaces, namespaceNamed("org-taken"));
    const message =
      "namespace org-taken exists but does not belong to this Organization: " +
      "label it catalyst.openova.io/organization=taken, or create the Organization under another name";
    expect(await reconciler()("taken", signal)).toEqual({
      kind: "stalled",
      reason: "NamespaceNotOurs",
      message,
    });
    expect(readyOf(await read(ORGANIZATION, "taken"))).toMatchObject({ reason: "NamespaceNotOurs", message });
    const { items } = await bench.client().list(ROLE_BINDINGS, { namespace: "org-taken" });
    expect(items).toEqual([]);
  });

  it("says in its status and in one Event why the API server refuses its home, and stalls after some tries", async () => {
    const { organizations } = bench.caches();
    await create(organizations, organization("refused"));
    const refusal = new KubeError("PATCH /api/v1/namespaces/org-refused: a policy", {
      ...{ status: 403, reason: "Forbidden", serverMessage: "a policy denies it" },
      request: { method: "PATCH", target: "Namespace org-refused" },
    });
    const applier = { ...createApplier(common()), apply: () => Promise.reject(refusal) };
    const reconcile = createOrganizationReconciler({
      ...{ ...common(), ...homeDeps(), applier },
    });
    const message =
      "Namespace org-refused: the API server answers 403 Forbidden: a policy denies it: change the role, the quota or the policy that refuses it";
    const progress = async () => {
      const { status } = (await read<Organization>(ORGANIZATION, "refused")) ?? {};
      expect(findCondition(status?.conditions, "Ready")).toMatchObject({
        ...{ status: "False", reason: "WriteForbidden", message, observedGeneration: 1 },
      });
      return status?.conditions?.map(({ type }) => type);
    };
    await expect(reconcile("refused", signal, 1)).rejects.toBe(refusal);
    expect(await progress()).toEqual(["Ready", "Reconciling"]);
    await expect(reconcile("refused", signal, MAX_TRIES)).rejects.toBe(refusal);
    expect(await progress()).toEqual(["Ready", "Stalled"]);
    // A restarted operator counts its tries from one again.
    await expect(reconcile("refused", signal, 1)).rejects.toBe(refusal);
    expect(await progress()).toEqual(["Ready", "Stalled"]);
    expect((await bench.events("refused")).map(({ reason, count }) => [reason, count])).toEqual([
      ["WriteForbidden", 1],
    ]);
  });

  it("removes the members' rights with a deleted Organization, and keeps its namespace", async () => {
    const { organizations } = bench.caches();
    await create(organizations, organization("gone"));
    await reconciler()("gone", signal);
    const key = { namespace: "org-gone", name: "organization-members" };
    const { uid } = organizations.get("gone")?.metadata ?? {};
    expect(await bench.client().get(ROLE_BINDINGS, key)).toMatchObject({
      metadata: {
        ownerReferences: [
          { apiVersion: "catalyst.openova.io/v1alpha1", kind: "Organization", name: "gone", uid },
        ],
      },
    });
    await bench.client().delete(organizations.resource, { name: "gone" });
    await until(
      async () => (await bench.client().get(ROLE_BINDINGS, key)) === undefined,
      "the RoleBinding is gone",
    );
    expect(await bench.client().get(NAMESPACES, { name: "org-gone" })).toBeDefined();
    for (const resource of [NETWORK_POLICIES, RESOURCE_QUOTAS, LIMIT_RANGES])
      expect(
        await bench.client().get(resource, { namespace: "org-gone", name: "organization" }),
      ).toBeDefined();
  });

  it("keeps the namespace of a deleted Organization", async () => {
    const { organizations } = bench.caches();
    const held = organization("leaving");
    await create(organizations, {
      ...held,
      metadata: { ...held.metadata, finalizers: ["example.com/held"] },
    });
    const reconcile = reconciler();
    await reconcile("leaving", signal);
    await bench.client().delete(organizations.resource, { name: "leaving" });
    await until(
      async () => organizations.get("leaving")?.metadata.deletionTimestamp,
      "the deletion in the cache",
    );
    const before = await read<Organization>(ORGANIZATION, "leaving");
    expect(await reconcile("leaving", signal)).toEqual({ kind: "done" });
    expect(await read<Organization>(ORGANIZATION, "leaving")).toEqual(before);
    expect(await bench.client().get(NAMESPACES, { name: "org-leaving" })).toBeDefined();
  });
});
