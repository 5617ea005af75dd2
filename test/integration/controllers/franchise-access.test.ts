import { beforeAll, describe, expect, it } from "vitest";
import { trustedKeyProblem } from "../../../src/admission/signature/trusted-key.ts";
import { findCondition } from "../../../src/api/condition.ts";
import { FRANCHISE, type Franchise } from "../../../src/api/franchise.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import {
  createFranchiseReconciler,
  franchiseWatches,
} from "../../../src/controllers/franchise/controller.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import { watchClock } from "../../../src/kube/clock-watch.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { FieldConflict } from "../../../src/kube/field-conflict.ts";
import { createReconcileMetrics } from "../../../src/kube/metric.ts";
import { createController } from "../../../src/kube/reconcile.ts";
import { CLUSTER_ROLES, NAMESPACES, ROLE_BINDINGS, resourceOf } from "../../../src/kube/resource.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { franchise, sovereign } from "../../support/builder/catalyst-object.ts";
import { AT, useKindBench } from "../../support/process/kind-bench.ts";
import { until } from "../../support/wait.ts";

const { bench, common, create } = useKindBench();
const END = "2026-06-01T00:01:00.000Z";
const NAME = "catalyst-franchisee-omantel";
/** One process. Its record of its writes distinguishes an edit by others from a new desired state. */
const process = (at = AT) => {
  const applier = createApplier(common(at));
  const deps = { ...common(at), ...bench.caches(), applier, keyProblem: trustedKeyProblem };
  const reconcile = createFranchiseReconciler(deps);
  return { deps, reconcile: () => reconcile("omantel", new AbortController().signal) };
};

const namespace = (name: string, owner?: string): KubernetesObject => ({
  ...{ apiVersion: "v1", kind: "Namespace" },
  metadata: { name, labels: owner === undefined ? {} : { "catalyst.openova.io/sovereign": owner } },
});

/** Waits until the server and the caches agree on all objects with the Franchisee's name, and lists them. */
async function granted(): Promise<string[]> {
  const { clusterRoles, clusterRoleBindings, roleBindings } = bench.caches();
  const named = (objects: readonly KubernetesObject[]) =>
    objects
      .filter(({ metadata }) => metadata.name === NAME)
      .map(({ metadata }) => `${metadata.namespace ?? ""} ${metadata.resourceVersion}`)
      .sort();
  const lists = [];
  for (const cache of [clusterRoles, clusterRoleBindings, roleBindings])
    lists.push(
      await until(
        async () => {
          const { items } = await bench.client().list<KubernetesObject>(cache.resource);
          return named(items).join() === named(cache.list()).join() ? items : undefined;
        },
        () => `${cache.resource.plural} in the cache`,
      ),
    );
  return lists
    .flatMap((items, index) =>
      items
        .filter(({ metadata }) => metadata.name === NAME)
        .map(({ metadata }) => metadata.namespace ?? ["ClusterRole", "ClusterRoleBinding"][index] ?? ""),
    )
    .sort();
}
const read = () => bench.client().get<Franchise>(resourceOf(FRANCHISE), { name: "omantel" });

const EVERYTHING = ["ClusterRole", "ClusterRoleBinding", "catalog", "catalog-sovereign", "sovereign-omantel"];

describe("a Franchisee's rights", () => {
  beforeAll(async () => {
    const { franchises, sovereigns, namespaces } = bench.caches();
    for (const name of ["catalog", "catalog-sovereign"]) await create(namespaces, namespace(name));
    await create(namespaces, namespace("sovereign-omantel", "omantel"));
    await create(namespaces, namespace("sovereign-foreign", "other"));
    const own = franchise("omantel", { start: "2026-01-01T00:00:00Z", end: END });
    const grants = { ...own.spec.grants, privateBlueprints: { max: 2 } };
    await create(franchises, { ...own, spec: { ...own.spec, grants } } as Franchise);
    const franchised = { role: "Franchised", franchise: "omantel" } as const;
    await create(sovereigns, sovereign("omantel", franchised));
    await create(sovereigns, sovereign("foreign", franchised));
    const cluster = { kubeconfigSecretRef: { name: "remote", key: "value" } };
    await create(sovereigns, sovereign("remote", { ...franchised, cluster }));
  });

  it("are in its Sovereigns' namespaces and the catalogs, and in no namespace that bears another's label", async () => {
    const { reconcile } = process();
    expect(await reconcile()).toEqual({ kind: "done", requeueAfterMs: 60_000 });
    expect(await granted()).toEqual(EVERYTHING);
    const role = await bench.client().get(CLUSTER_ROLES, { name: NAME });
    expect(role).toMatchObject({ rules: [{}, { resourceNames: ["foreign", "omantel"] }] });
    expect(findCondition((await read())?.status?.conditions, "AccessGranted")).toMatchObject({
      ...{ status: "True", reason: "Granted" },
    });
  });

  it("are put back when others change or delete them, and an Event says so", async () => {
    const { reconcile } = process();
    await reconcile();
    const key = { namespace: "sovereign-omantel", name: NAME };
    const mallory = { kind: "User", name: "mallory", apiGroup: "rbac.authorization.k8s.io" };
    const corrections = async () =>
      (await bench.events("omantel"))
        .filter(({ reason }) => reason === "DriftCorrected")
        .map(({ message }) => message);
    await bench.client().mergePatch(ROLE_BINDINGS, key, { subjects: [mallory] });
    await granted();
    await reconcile();
    expect(await bench.client().get(ROLE_BINDINGS, key)).toMatchObject({
      subjects: [{ name: "omantel-admin" }],
    });
    expect(await corrections()).toEqual([
      `RoleBinding sovereign-omantel/${NAME}: subjects, subjects[omantel-admin], subjects[mallory]: the operator puts it back`,
    ]);
    await bench.client().delete(ROLE_BINDINGS, key);
    await granted();
    await reconcile();
    expect(await granted()).toEqual(EVERYTHING);
    expect(await corrections()).toContain(
      `RoleBinding sovereign-omantel/${NAME}: deleted: the operator puts it back`,
    );
  });

  it("say in the status that another writer keeps changing them", async () => {
    const { deps } = process();
    const conflict = new FieldConflict("another writer keeps changing subjects", 60_000);
    const applier = { ...deps.applier, apply: () => Promise.reject(conflict) };
    const reconcile = createFranchiseReconciler({ ...deps, applier });
    await expect(reconcile("omantel", new AbortController().signal)).rejects.toBe(conflict);
    const { conditions } = (await read())?.status ?? {};
    expect(findCondition(conditions, "Ready")).toMatchObject({
      ...{ status: "False", reason: "FieldConflict", message: conflict.message },
    });
    expect(findCondition(conditions, "AccessGranted")?.status).toBe("Unknown");
  });

  it("are withdrawn from a removed subject although the API server refuses another object", async () => {
    const { franchises } = bench.caches();
    const { deps, reconcile } = process();
    await reconcile();
    const key = { namespace: "sovereign-omantel", name: NAME };
    const nameSubject = async (name: string) => {
      const spec = { subjects: [{ kind: "User", name }] };
      await bench.client().mergePatch(resourceOf(FRANCHISE), { name: "omantel" }, { spec });
      await until(
        () => franchises.get("omantel")?.spec.subjects[0]?.name === name,
        "the subject in the cache",
      );
    };
    await nameSubject("successor");
    const refusal = new KubeError("PATCH clusterroles: a policy", {
      ...{ status: 403, reason: "Forbidden", serverMessage: "a policy denies it" },
      request: { method: "PATCH", target: `ClusterRole ${NAME}` },
    });
    const applier: typeof deps.applier = {
      ...deps.applier,
      apply: (object, ...rest) =>
        object.kind === "ClusterRole" ? Promise.reject(refusal) : deps.applier.apply(object, ...rest),
    };
    const refused = createFranchiseReconciler({ ...deps, applier });
    await expect(refused("omantel", new AbortController().signal)).rejects.toBe(refusal);
    expect(await bench.client().get(ROLE_BINDINGS, key)).toMatchObject({ subjects: [{ name: "successor" }] });
    expect(findCondition((await read())?.status?.conditions, "Ready")).toMatchObject({
      ...{ status: "False", reason: "WriteForbidden" },
    });
    await nameSubject("omantel-admin");
    await granted();
    await reconcile();
  });

  it("shrink with the grants and with the Sovereigns", async () => {
    const { franchises, sovereigns, namespaces } = bench.caches();
    await bench.client().mergePatch(
      resourceOf(FRANCHISE),
      { name: "omantel" },
      {
        spec: { grants: { privateBlueprints: { max: 0 } } },
      },
    );
    await bench.client().delete(sovereigns.resource, { name: "omantel" });
    await until(
      async () =>
        sovereigns.get("omantel") === undefined &&
        franchises.get("omantel")?.spec.grants.privateBlueprints?.max === 0
          ? true
          : undefined,
      "the changes in the cache",
    );
    await process().reconcile();
    expect(await granted()).toEqual(["ClusterRole", "ClusterRoleBinding", "catalog"]);
    expect(namespaces.get("sovereign-omantel")).toBeDefined();
  });

  it("end with the term, to the millisecond, and return when the term is extended", async () => {
    expect(await process(new Date(Date.parse(END) - 1)).reconcile()).toEqual({
      ...{ kind: "done", requeueAfterMs: 1 },
    });
    expect(await granted()).toContain("ClusterRole");
    const { reconcile, deps } = process(new Date(END));
    expect(await reconcile()).toEqual({ kind: "done" });
    expect(await granted()).toEqual([]);
    expect(findCondition((await read())?.status?.conditions, "AccessGranted")?.reason).toBe("OutsideTerm");
    const later = "2027-01-01T00:00:00.000Z";
    await bench
      .client()
      .mergePatch(resourceOf(FRANCHISE), { name: "omantel" }, { spec: { term: { end: later } } });
    await until(() => deps.franchises.get("omantel")?.spec.term.end === later, "the new term in the cache");
    await reconcile();
    expect(await granted()).toEqual(["ClusterRole", "ClusterRoleBinding", "catalog"]);
  });

  it("end and return within a minute when the clock jumps over the end of the term and back", async () => {
    const end = Date.parse("2027-01-01T00:00:00.000Z");
    const elapsedMs = () => 0;
    let nowMs = end - 5 * 3_600_000;
    const now = () => new Date(nowMs);
    const applier = createApplier({ ...common(), now });
    const deps = { ...common(), ...bench.caches(), now, applier, keyProblem: trustedKeyProblem };
    const watches = franchiseWatches(deps);
    const controller = createController(
      { logger: deps.logger, metrics: createReconcileMetrics(new Registry()) },
      {
        name: "franchise",
        watches: [...watches, watchClock({ now, elapsedMs, lookEveryMs: 10 }, watches)],
        reconcile: createFranchiseReconciler(deps),
      },
    );
    const ending = new AbortController();
    const running = controller.run(ending.signal);
    const is = (granting: boolean) =>
      until(
        async () =>
          (await granted()).length > 0 === granting && (await read())?.status?.inTerm === granting
            ? true
            : undefined,
        async () => JSON.stringify((await read())?.status),
      );
    await is(true);
    nowMs = end + 1;
    await is(false);
    nowMs = end - 3_600_000;
    await is(true);
    ending.abort();
    await running;
  });

  it("are deleted with the Franchise", async () => {
    const { sovereigns, franchises } = bench.caches();
    for (const name of ["foreign", "remote"]) await bench.client().delete(sovereigns.resource, { name });
    await bench.client().delete(franchises.resource, { name: "omantel" });
    await until(
      async () =>
        sovereigns.list().length === 0 && franchises.get("omantel")?.metadata.deletionTimestamp !== undefined
          ? true
          : undefined,
      "the deletions in the cache",
    );
    await process().reconcile();
    await until(async () => (await granted()).length === 0, "no rights are left");
    expect(await bench.client().get(NAMESPACES, { name: "catalog" })).toBeDefined();
  });
});
