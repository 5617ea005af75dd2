import { describe, expect, it } from "vitest";
import { trustedKeyProblem } from "../../../src/admission/signature/trusted-key.ts";
import { BLUEPRINT, type Blueprint } from "../../../src/api/blueprint.ts";
import { findCondition } from "../../../src/api/condition.ts";
import { FRANCHISE, type Franchise } from "../../../src/api/franchise.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { createBlueprintReconciler } from "../../../src/controllers/blueprint/controller.ts";
import { createFranchiseReconciler } from "../../../src/controllers/franchise/controller.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { NAMESPACES, resourceOf } from "../../../src/kube/resource.ts";
import { franchise, sovereign } from "../../support/builder/catalyst-object.ts";
import { AT, namespaceNamed, readyOf, signal, useKindBench } from "../../support/process/kind-bench.ts";
import { eventually, until } from "../../support/wait.ts";

const { bench, common, create, read } = useKindBench();
const DAY_MS = 24 * 3_600_000;

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

  it("keeps a deleted Franchise while a Sovereign runs under it, reports that, and deletes it afterwards", async () => {
    const { franchises, sovereigns } = bench.caches();
    await create(franchises, franchise("held"));
    await create(sovereigns, sovereign("holder", { role: "Franchised", franchise: "held" }));
    await reconcile("held");
    await until(async () => franchises.get("held")?.metadata.finalizers, "the finalizer in the cache");
    await bench.client().delete(franchises.resource, { name: "held" });
    await until(async () => franchises.get("held")?.metadata.deletionTimestamp, "the deletion in the cache");
    await reconcile("held");
    const message =
      "the Franchise is to be deleted, but Sovereigns holder still run under it: delete them, and the Franchise goes by itself";
    expect(readyOf(await read(FRANCHISE, "held"))).toMatchObject({
      ...{ status: "False", reason: "InUse", message },
    });
    await bench.client().delete(sovereigns.resource, { name: "holder" });
    await until(() => sovereigns.get("holder") === undefined, "the Sovereign is gone");
    await reconcile("held");
    expect(await read(FRANCHISE, "held")).toBeUndefined();
  });

  it("reports in its status and in one Event that the API server keeps its finalizer, and removes it afterwards", async () => {
    const { franchises, sovereigns } = bench.caches();
    await create(franchises, franchise("guarded"));
    await create(sovereigns, sovereign("guardian", { role: "Franchised", franchise: "guarded" }));
    await reconcile("guarded");
    await until(async () => franchises.get("guarded")?.metadata.finalizers, "the finalizer in the cache");
    await bench.client().delete(sovereigns.resource, { name: "guardian" });
    await until(() => sovereigns.get("guardian") === undefined, "the Sovereign is gone");
    const refusal = new KubeError("PATCH franchises/guarded: a policy", {
      ...{ status: 403, reason: "Forbidden", serverMessage: "a policy denies it" },
      request: { method: "PATCH", target: "Franchise guarded" },
    });
    const mergePatch = () => Promise.reject(refusal);
    const guarded = createFranchiseReconciler({
      ...{ ...common(), ...bench.caches(), client: { ...bench.client(), mergePatch } },
      ...{ applier: createApplier(common()), keyProblem: trustedKeyProblem },
    });
    for (const attempt of [1, 2]) await expect(guarded("guarded", signal, attempt)).rejects.toBe(refusal);
    expect(readyOf(await read(FRANCHISE, "guarded"))).toMatchObject({
      ...{ status: "False", reason: "WriteForbidden", observedGeneration: 1 },
      message:
        "Franchise guarded: the API server answers 403 Forbidden: a policy denies it: change the role, the quota or the policy that refuses it",
    });
    expect((await bench.events("guarded")).map(({ reason, count }) => [reason, count])).toEqual([
      ["WriteForbidden", 1],
    ]);
    await reconcile("guarded");
    expect((await read<Franchise>(FRANCHISE, "guarded"))?.metadata.finalizers ?? []).toEqual([]);
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
      "the grant in the cache",
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
    await eventually(() => expect(blueprints.get("catalog-sovereign/a-first")).toBeUndefined());
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
