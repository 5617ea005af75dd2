import { describe, expect, it } from "vitest";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { trustedKeyProblem } from "../../../src/admission/signature/trusted-key.ts";
import { BLUEPRINT, type Blueprint } from "../../../src/api/blueprint.ts";
import { findCondition } from "../../../src/api/condition.ts";
import { ENVIRONMENT_POLICY, type EnvironmentPolicy } from "../../../src/api/environment-policy.ts";
import { FRANCHISE, type Franchise } from "../../../src/api/franchise.ts";
import { WEBHOOK_CONFIGURATION } from "../../../src/api/name.ts";
import type { CatalystObject, KubernetesObject } from "../../../src/api/object.ts";
import { ORGANIZATION, type Organization } from "../../../src/api/organization.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { createBlueprintReconciler } from "../../../src/controllers/blueprint/controller.ts";
import { createEnvironmentPolicyReconciler } from "../../../src/controllers/environment-policy/controller.ts";
import { createFranchiseReconciler } from "../../../src/controllers/franchise/controller.ts";
import { createOrganizationReconciler } from "../../../src/controllers/organization/controller.ts";
import { createWebhookConfigurationReconciler } from "../../../src/controllers/webhook-configuration/controller.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { MAX_TRIES } from "../../../src/kube/failure.ts";
import type { Informer } from "../../../src/kube/informer.ts";
import {
  CLUSTER_ROLES,
  LIMIT_RANGES,
  NAMESPACES,
  NETWORK_POLICIES,
  RESOURCE_QUOTAS,
  ROLE_BINDINGS,
  resourceOf,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { franchise, sovereign } from "../../support/builder/catalyst-object.ts";
import { until, useOperatorBench } from "../../support/process/operator-bench.ts";

const bench = useOperatorBench();
const AT = new Date("2026-06-01T00:00:00.000Z");
const DAY_MS = 24 * 3_600_000;
const signal = new AbortController().signal;
const logger = createLogger("test", "silent");
const common = (at = AT) => ({
  client: bench.client(),
  fieldManager: "catalyst-operator",
  events: bench.recorder(),
  logger,
  now: () => at,
});

/** Creates an object and waits until the cache contains it. */
async function create<T extends KubernetesObject>(
  cache: Informer<T>,
  object: KubernetesObject,
): Promise<void> {
  const { metadata } = await bench.client().create(cache.resource, object);
  const key = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  await until(
    async () => cache.get(key),
    async () => `${object.kind} ${key} in the cache`,
  );
}
const read = <T extends KubernetesObject>(definition: typeof FRANCHISE, name: string, namespace?: string) =>
  bench.client().get<T>(resourceOf(definition), { name, ...(namespace === undefined ? {} : { namespace }) });
const readyOf = (object: CatalystObject<unknown, { conditions?: never }> | undefined) =>
  findCondition((object as Sovereign | undefined)?.status?.conditions, "Ready");
const namespaceNamed = (name: string, labels: Record<string, string> = {}): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});

describe("the Franchise controller", () => {
  const reconcile = (key: string, at?: Date) =>
    createFranchiseReconciler({
      ...{ ...common(at), ...bench.caches() },
      applier: createApplier(common(at)),
      keyProblem: trustedKeyProblem,
    })(key, signal);

  it("names the entry of blueprintTrust whose key is invalid", async () => {
    const { franchises } = bench.caches();
    const { spec, ...rest } = franchise("typo", { start: "2026-01-01T00:00:00Z" });
    const keyless = { issuer: "https://ci.test", identity: "release" };
    const publicKey = "-----BEGIN PUBLIC KEY-----\nbm90IGEga2V5\n-----END PUBLIC KEY-----\n";
    const typo: Franchise = { ...rest, spec: { ...spec, blueprintTrust: [{ keyless }, { publicKey }] } };
    await create(franchises, typo);
    await reconcile("typo", AT);
    const { conditions } = (await read<Franchise>(FRANCHISE, "typo"))?.status ?? {};
    expect(findCondition(conditions, "Ready")?.status).toBe("True");
    expect(findCondition(conditions, "BlueprintTrustValid")).toMatchObject({
      ...{ status: "False", reason: "KeyInvalid" },
      message:
        "spec.blueprintTrust[1].publicKey must be a public key in PEM: paste the file cosign.pub, from -----BEGIN PUBLIC KEY-----",
    });
  });

  it("lists the Sovereigns of the Franchise, and reconciles again when the term ends", async () => {
    const { franchises, sovereigns } = bench.caches();
    const term = { start: "2026-01-01T00:00:00Z", end: new Date(AT.getTime() + DAY_MS).toISOString() };
    await create(franchises, franchise("omantel", term));
    await create(sovereigns, sovereign("one", { role: "Franchised", franchise: "omantel" }));
    await create(sovereigns, sovereign("two"));
    expect(await reconcile("omantel")).toEqual({ kind: "done", requeueAfterMs: DAY_MS });
    const seen = await read<Franchise>(FRANCHISE, "omantel");
    expect(seen?.status).toMatchObject({ inTerm: true, sovereigns: ["one"], privateBlueprints: 0 });
  });

  it("reconciles again when the term starts, and never after its end", async () => {
    const before = new Date("2025-12-31T00:00:00Z");
    expect(await reconcile("omantel", before)).toEqual({ kind: "done", requeueAfterMs: DAY_MS });
    expect(readyOf(await read(FRANCHISE, "omantel"))?.reason).toBe("TermNotStarted");
    expect(await reconcile("omantel", new Date("2030-01-01T00:00:00Z"))).toEqual({ kind: "done" });
    expect(readyOf(await read(FRANCHISE, "omantel"))?.reason).toBe("TermEnded");
  });

  it("keeps a deleted Franchise while a Sovereign runs under it, says so, and then lets it go", async () => {
    const { franchises, sovereigns } = bench.caches();
    await create(franchises, franchise("held"));
    await create(sovereigns, sovereign("holder", { role: "Franchised", franchise: "held" }));
    await reconcile("held");
    await until(
      async () => franchises.get("held")?.metadata.finalizers,
      async () => "the finalizer in the cache",
    );
    await bench.client().delete(franchises.resource, { name: "held" });
    await until(
      async () => franchises.get("held")?.metadata.deletionTimestamp,
      async () => "the deletion in the cache",
    );
    await reconcile("held");
    const message =
      "the Franchise is to be deleted, but Sovereigns holder still run under it: delete them, and the Franchise goes by itself";
    expect(readyOf(await read(FRANCHISE, "held"))).toMatchObject({
      ...{ status: "False", reason: "InUse", message },
    });
    await bench.client().delete(sovereigns.resource, { name: "holder" });
    await until(
      async () => (sovereigns.get("holder") === undefined ? true : undefined),
      async () => "the Sovereign is gone",
    );
    await reconcile("held");
    expect(await read(FRANCHISE, "held")).toBeUndefined();
  });

  it("puts no finalizer on a Franchise that no Sovereign uses", async () => {
    await create(bench.caches().franchises, franchise("unused"));
    await reconcile("unused");
    expect((await read<Franchise>(FRANCHISE, "unused"))?.metadata.finalizers).toBeUndefined();
  });

  it("does nothing for a Franchise that does not exist", async () => {
    expect(await reconcile("nobody")).toEqual({ kind: "done" });
  });
});

describe("the Blueprint controller", () => {
  const spec = {
    version: "1.0.0",
    source: { ref: `oci://registry.example/shop@sha256:${"c".repeat(64)}` },
    visibility: "private",
    card: { title: "Shop" },
  };
  const reconcile = (checkArtifact: Parameters<typeof createBlueprintReconciler>[0]["checkArtifact"]) => {
    const { blueprints, franchises, trust } = bench.caches();
    const deps = { ...common(), blueprints, franchises, trust, checkArtifact };
    return createBlueprintReconciler(deps)("catalog-sovereign/shop", signal);
  };

  it.each([
    [{ kind: "verified", digest: `sha256:${"c".repeat(64)}`, by: "a key" } as const, "True", 600_000],
    [{ kind: "refused", reason: "no signature" } as const, "False", 30_000],
  ])("writes the verdict %j, and checks again in time", async (verdict, verified, requeueAfterMs) => {
    if (bench.caches().blueprints.list().length === 0) {
      await bench.client().create(NAMESPACES, namespaceNamed("catalog-sovereign"));
      await create(bench.caches().blueprints, {
        apiVersion: "catalyst.openova.io/v1alpha1",
        kind: "Blueprint",
        metadata: { name: "shop", namespace: "catalog-sovereign" },
        spec,
      } as KubernetesObject);
    }
    expect(await reconcile(async () => verdict)).toEqual({ kind: "done", requeueAfterMs });
    const seen = await read<Blueprint>(BLUEPRINT, "shop", "catalog-sovereign");
    expect(findCondition(seen?.status?.conditions, "Verified")?.status).toBe(verified);
  });

  it("checks again when the term of its Franchise begins or ends", async () => {
    const { blueprints, franchises, trust } = bench.caches();
    const minute = (minutes: number) => new Date(AT.getTime() + minutes * 60_000).toISOString();
    await create(franchises, franchise("brief", { start: minute(0), end: minute(1) }));
    await create(blueprints, {
      ...{ apiVersion: "catalyst.openova.io/v1alpha1", kind: "Blueprint" },
      metadata: { name: "brief", namespace: "catalog-sovereign" },
      spec: { ...spec, franchise: "brief" },
    } as KubernetesObject);
    const checkArtifact = async () =>
      ({ kind: "verified", digest: `sha256:${"c".repeat(64)}`, by: "a key" }) as const;
    const outcomeAt = (at: string) => {
      const deps = { ...common(new Date(at)), blueprints, franchises, trust, checkArtifact };
      return createBlueprintReconciler(deps)("catalog-sovereign/brief", signal);
    };
    const granted = await bench.client().mergePatch(
      resourceOf(FRANCHISE),
      { name: "brief" },
      {
        spec: { grants: { privateBlueprints: { max: 1 } } },
      },
    );
    await until(
      async () =>
        franchises.get("brief")?.metadata.resourceVersion === granted.metadata.resourceVersion
          ? true
          : undefined,
      async () => "the grant in the cache",
    );
    expect(await outcomeAt(minute(-5))).toEqual({ kind: "done", requeueAfterMs: 300_000 });
    expect(await outcomeAt(minute(0))).toEqual({ kind: "done", requeueAfterMs: 60_000 });
    expect(await outcomeAt(minute(1))).toEqual({ kind: "done", requeueAfterMs: 600_000 });
  });

  it("withholds Verified from the youngest Blueprints above the grant, and asks no registry about them", async () => {
    const { franchises, blueprints, trust } = bench.caches();
    const small = franchise("small", { start: "2020-01-01T00:00:00Z" });
    const grants = { branding: false, privateBlueprints: { max: 1 } };
    const granted: Franchise = { ...small, spec: { ...small.spec, grants } };
    await create(franchises, granted);
    for (const name of ["a-first", "b-second"])
      await create(blueprints, {
        apiVersion: "catalyst.openova.io/v1alpha1",
        kind: "Blueprint",
        metadata: { name, namespace: "catalog-sovereign" },
        spec: { ...spec, franchise: "small" },
      } as KubernetesObject);
    const asked: string[] = [];
    const deps = {
      ...common(),
      ...{ blueprints, franchises, trust },
      checkArtifact: async ({ reference }: { reference: string }) => {
        asked.push(reference);
        return { kind: "verified", digest: `sha256:${"c".repeat(64)}`, by: "a key" } as const;
      },
    } as Parameters<typeof createBlueprintReconciler>[0];
    const verifiedOf = async (name: string) => {
      await createBlueprintReconciler(deps)(`catalog-sovereign/${name}`, signal);
      const seen = await read<Blueprint>(BLUEPRINT, name, "catalog-sovereign");
      return findCondition(seen?.status?.conditions, "Verified");
    };
    expect(await verifiedOf("b-second")).toMatchObject({ status: "False", reason: "GrantExceeded" });
    expect(asked).toEqual([]);
    expect(await verifiedOf("a-first")).toMatchObject({ status: "True" });
    await bench.client().delete(resourceOf(BLUEPRINT), { name: "a-first", namespace: "catalog-sovereign" });
    await expect.poll(() => blueprints.get("catalog-sovereign/a-first")).toBeUndefined();
    expect(await verifiedOf("b-second")).toMatchObject({ status: "True" });
  });

  it("is counted by the Franchise controller when it is private, its own and in catalog-sovereign", async () => {
    const { blueprints } = bench.caches();
    await bench.client().create(NAMESPACES, namespaceNamed("catalog"));
    const listed = (namespace: string, name: string, visibility: string, owner = "omantel") =>
      create(blueprints, {
        apiVersion: "catalyst.openova.io/v1alpha1",
        kind: "Blueprint",
        metadata: { name, namespace },
        spec: { ...spec, visibility, ...(visibility === "private" ? { franchise: owner } : {}) },
      } as KubernetesObject);
    await listed("catalog-sovereign", "listed", "listed");
    await listed("catalog", "private", "private");
    await listed("catalog-sovereign", "own", "private");
    await listed("catalog-sovereign", "foreign", "private", "ooredoo");
    await createFranchiseReconciler({
      ...{ ...common(), ...bench.caches() },
      applier: createApplier(common()),
      keyProblem: trustedKeyProblem,
    })("omantel", signal);
    expect((await read<Franchise>(FRANCHISE, "omantel"))?.status?.privateBlueprints).toBe(1);
  });
});

describe("the EnvironmentPolicy controller", () => {
  const policy = (name: string, timeZone: string) =>
    ({
      apiVersion: "catalyst.openova.io/v1alpha1",
      kind: "EnvironmentPolicy",
      metadata: { name, namespace: "catalyst-system" },
      spec: {
        appliesTo: { environments: ["*-prod"] },
        rules: [{ "change-window": { cron: "0 22 * * 5", duration: "2h", timeZone } }],
      },
    }) as unknown as KubernetesObject;

  it.each([
    ["muscat", "Asia/Muscat", "Enforceable"],
    ["nowhere", "Asia/Nowhere", "RuleInvalid"],
  ])(
    "judges policy %s by the time zones of this Node, and counts environments",
    async (name, zone, reason) => {
      const { policies, namespaces, policyFindings } = bench.caches();
      const environment = (organization: string, env: string) =>
        namespaceNamed(`${organization}-${env}-${name}`, {
          "catalyst.openova.io/organization": organization,
          "catalyst.openova.io/environment": env,
        });
      await create(policies, policy(name, zone));
      await create(namespaces, environment("acme", "prod"));
      await create(namespaces, environment("acme", "stg"));
      await create(namespaces, namespaceNamed(`half-${name}`, { "catalyst.openova.io/environment": "prod" }));
      await create(
        namespaces,
        namespaceNamed(`other-${name}`, { "catalyst.openova.io/organization": "acme" }),
      );
      const before = name === "muscat" ? 0 : 1;
      const reconcile = createEnvironmentPolicyReconciler({
        ...{ ...common(), policies, namespaces, findings: policyFindings },
      });
      // The window opens on Friday at 22:00, 18:00 UTC.
      const opensAt = "2026-06-05T18:00:00.000Z";
      const requeueAfterMs = Date.parse(opensAt) - AT.getTime();
      expect(await reconcile(`catalyst-system/${name}`, signal)).toEqual({
        ...{ kind: "done", ...(reason === "Enforceable" ? { requeueAfterMs } : {}) },
      });
      const seen = await read<EnvironmentPolicy>(ENVIRONMENT_POLICY, name, "catalyst-system");
      expect(seen?.status?.environments).toBe(before + 1);
      expect(seen?.status?.governs).toContain(`acme-prod-${name}`);
      expect(seen?.status?.window?.opensAt).toBe(reason === "Enforceable" ? opensAt : undefined);
      expect(findCondition(seen?.status?.conditions, "Ready")?.reason).toBe(reason);
    },
  );
});

describe("what breaks an EnvironmentPolicy", () => {
  it("is in the status of that policy, from the report of all replicas", async () => {
    const { policies, namespaces, policyFindings } = bench.caches();
    const broken = (name: string, lastTime: string) => ({
      ...{ policy: name, environment: "acme-prod", rule: "change-window", enforcement: "Deny", count: 3 },
      ...{ lastTime, user: "amal", object: "deployments/shop", message: "the window is closed" },
    });
    await create(policies, {
      ...{ apiVersion: "catalyst.openova.io/v1alpha1", kind: "EnvironmentPolicy" },
      metadata: { name: "broken", namespace: "catalyst-system" },
      spec: { appliesTo: { environments: ["*-prod"] }, rules: [{ "re-score-gate": { minimum: 1 } }] },
    } as unknown as KubernetesObject);
    const rows = [broken("broken", AT.toISOString()), broken("other", AT.toISOString())];
    await create(policyFindings, {
      ...{ apiVersion: "v1", kind: "ConfigMap" },
      metadata: { name: "catalyst-policy-findings", namespace: "catalyst-system" },
      data: { "findings.json": JSON.stringify(rows) },
    } as KubernetesObject);
    const deps = { ...common(), policies, namespaces, findings: policyFindings };
    expect(await createEnvironmentPolicyReconciler(deps)("catalyst-system/broken", signal)).toEqual({
      ...{ kind: "done", requeueAfterMs: DAY_MS },
    });
    const { policy: _, ...shown } = broken("broken", AT.toISOString());
    const seen = await read<EnvironmentPolicy>(ENVIRONMENT_POLICY, "broken", "catalyst-system");
    expect(seen?.status?.recentDenials).toEqual([shown]);
  });

  it("is not shown by a policy of the same name in another namespace", async () => {
    const { policies, namespaces, policyFindings } = bench.caches();
    await create(policies, {
      ...{ apiVersion: "catalyst.openova.io/v1alpha1", kind: "EnvironmentPolicy" },
      metadata: { name: "broken", namespace: "default" },
      spec: { appliesTo: { environments: ["*-prod"] }, rules: [{ "re-score-gate": { minimum: 1 } }] },
    } as unknown as KubernetesObject);
    const deps = { ...common(), policies, namespaces, findings: policyFindings };
    await createEnvironmentPolicyReconciler(deps)("default/broken", signal);
    const seen = await read<EnvironmentPolicy>(ENVIRONMENT_POLICY, "broken", "default");
    expect(seen?.status).not.toHaveProperty("recentDenials");
    expect(readyOf(seen as never)?.reason).toBe("NamespaceInvalid");
  });
});

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
    await until(
      async () => bench.caches().namespaces.get("org-acme"),
      async () => "the home in the cache",
    );
    expect(await reconciler()("acme", signal)).toEqual({ kind: "done" });
  });

  it("follows the subscription of the order that created it", async () => {
    const ordered = organization("ordered") as Organization;
    await create(bench.caches().organizations, {
      ...ordered,
      spec: { ...ordered.spec, order: "17" },
    } as never);
    await reconciler()("ordered", signal);
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
      async () => "the changes in the cache",
    );
    await reconcile("bounded", signal);
    expect(await bench.client().get(RESOURCE_QUOTAS, key)).toMatchObject({
      spec: { hard: { pods: "50", "requests.cpu": "4" } },
    });
    expect(await bench.client().get(NETWORK_POLICIES, key)).toMatchObject({
      spec: { policyTypes: ["Ingress"] },
    });
    expect((await bench.events("bounded")).map(({ message }) => message).sort()).toEqual([
      "NetworkPolicy org-bounded/organization: deleted: the operator put it back",
      "ResourceQuota org-bounded/organization: spec.hard.requests.cpu, spec.hard.pods: the operator put it back",
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

  it("takes the members' rights with a deleted Organization, and leaves its namespace", async () => {
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
      async () => ((await bench.client().get(ROLE_BINDINGS, key)) === undefined ? true : undefined),
      async () => "the RoleBinding is gone",
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
      async () => "the deletion in the cache",
    );
    const before = await read<Organization>(ORGANIZATION, "leaving");
    expect(await reconcile("leaving", signal)).toEqual({ kind: "done" });
    expect(await read<Organization>(ORGANIZATION, "leaving")).toEqual(before);
    expect(await bench.client().get(NAMESPACES, { name: "org-leaving" })).toBeDefined();
  });
});

describe("the webhook configuration's controller", () => {
  it("applies the desired configuration, reports the result, and lets it go with the operator's role", async () => {
    const applied: string[] = [];
    const role = await bench.client().create<KubernetesObject>(CLUSTER_ROLES, {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "catalyst-operator" },
    });
    const reconcile = createWebhookConfigurationReconciler({
      client: bench.client(),
      applier: createApplier(common()),
      configurations: bench.caches().webhookConfigurations,
      desired: () =>
        ({
          apiVersion: "admissionregistration.k8s.io/v1",
          kind: "ValidatingWebhookConfiguration",
          metadata: { name: WEBHOOK_CONFIGURATION },
          webhooks: [],
        }) as unknown as KubernetesObject,
      onDesired: () => undefined,
      onApplied: ({ kind }) => void applied.push(kind),
    });
    expect(await reconcile()).toEqual({ kind: "done", requeueAfterMs: 60_000 });
    expect(applied).toEqual(["created"]);
    const key = { name: WEBHOOK_CONFIGURATION };
    const read = () => bench.client().get<KubernetesObject>(VALIDATING_WEBHOOK_CONFIGURATIONS, key);
    expect((await read())?.metadata.ownerReferences).toMatchObject([
      { kind: "ClusterRole", uid: role.metadata.uid },
    ]);

    // As helm uninstall does: it deletes the role, and knows nothing of the configuration.
    await bench.client().delete(CLUSTER_ROLES, role.metadata);
    await until(
      async () => (await read()) === undefined || undefined,
      async () => "the configuration is still there",
    );
  });
});
