import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition } from "../../../src/api/condition.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { isFinishedJob, type JobObject } from "../../../src/controllers/sovereign/observed.ts";
import { KubeError, kubeErrorOf } from "../../../src/kube/error.ts";
import { CONFIG_MAPS, DEPLOYMENTS, JOBS, NAMESPACES, SERVICES } from "../../../src/kube/resource.ts";
import { IMAGE, release, sovereign } from "../../support/builder/catalyst-object.ts";
import { RELEASES, SOVEREIGNS, settled, useOperatorBench } from "../../support/process/operator-bench.ts";
import { editBillingImage } from "../../support/server/api-request.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
const NAMESPACE = "sovereign-zero";
/** Calls that the API server refuses, as a policy would. */
const denied = new Set<string>();
const denial = () =>
  kubeErrorOf(
    { method: "PATCH", path: "/x", target: `Service ${NAMESPACE}/billing` },
    403,
    JSON.stringify({ message: "services are for the network team", reason: "Forbidden" }),
    undefined,
  );
const statusOf = (seen: Sovereign | undefined, type: string) =>
  findCondition(seen?.status?.conditions, type)?.status;
const read = () => bench.sovereign("zero");

/** A Deployment that was there before the operator's, with a selector of its own. */
const foreignDeployment = (labels: Record<string, string>) =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "billing", namespace: NAMESPACE, labels },
    spec: {
      selector: { matchLabels: { app: "theirs" } },
      template: {
        metadata: { labels: { app: "theirs" } },
        spec: { containers: [{ name: "main", image: "registry.example/theirs:1" }] },
      },
    },
  }) as KubernetesObject;

async function replaceDeployment(labels: Record<string, string>): Promise<string> {
  const key = { namespace: NAMESPACE, name: "billing" };
  await bench.client().delete(DEPLOYMENTS, key);
  for (;;) {
    const made = await bench
      .client()
      .create(DEPLOYMENTS, foreignDeployment(labels))
      .catch((error: unknown) => {
        // The operator has already created its Deployment again.
        if (!(error instanceof KubeError) || error.reason !== "AlreadyExists") throw error;
        return bench.client().delete(DEPLOYMENTS, key);
      });
    if (typeof made === "object") return made.metadata.uid ?? "";
  }
}

describe("what the API server refuses", () => {
  beforeAll(async () => {
    await bench.client().create<BillingRelease>(RELEASES, release());
    await bench.client().create<Sovereign>(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }));
    run = bench.startControllers({
      gate: (call, act) => {
        if (denied.has(call)) throw denial();
        return act();
      },
    });
    await bench.awaitCondition("zero", "Ready", "True");
  });
  let run: ReturnType<typeof bench.startControllers>;
  beforeEach(async () => {
    denied.clear();
    await bench.awaitCondition("zero", "Ready", "True");
    await settled(run);
  });

  it("shows a policy that denies Services in Ready, in one Event, and in Stalled after some tries", async () => {
    denied.add("apply Service billing");
    await bench.client().delete(SERVICES, { namespace: NAMESPACE, name: "billing" });
    const seen = await bench.awaitCondition("zero", "Stalled", "True", "WriteForbidden");
    expect(findCondition(seen.status?.conditions, "Ready")).toMatchObject({
      status: "False",
      reason: "WriteForbidden",
      observedGeneration: seen.metadata.generation,
      message:
        "Service sovereign-zero/billing: the API server answers 403 Forbidden: services are for the network team: change the role, the quota or the policy that refuses it",
    });
    // The first was found before the failure, the second was not checked.
    expect(["RolledOut", "VoucherShapeVerified"].map((type) => statusOf(seen, type))).toEqual([
      "True",
      "Unknown",
    ]);
    expect((await bench.events("zero")).filter(({ reason }) => reason === "WriteForbidden")).toMatchObject([
      { count: 1 },
    ]);
    denied.clear();
    const mended = await bench.awaitCondition("zero", "Ready", "True");
    expect(statusOf(mended, "Stalled")).toBeUndefined();
  });

  it("puts back an edited image while a policy denies its ConfigMap, and goes on when the policy is gone", async () => {
    denied.add("apply ConfigMap billing-config");
    const configuration = { namespace: NAMESPACE, name: "billing-config" };
    await bench.client().mergePatch(CONFIG_MAPS, configuration, { data: { "catalog.json": "{}" } });
    await bench.awaitCondition("zero", "Ready", "False", "WriteForbidden");
    const key = { namespace: NAMESPACE, name: "billing" };
    const edited = "registry.example/edited:1";
    await editBillingImage(bench.client(), NAMESPACE, edited);
    await bench.client().delete(SERVICES, key);
    await until(async () => {
      const deployment = JSON.stringify(await bench.client().get(DEPLOYMENTS, key));
      const service = await bench.client().get(SERVICES, key);
      return !deployment.includes(edited) && service !== undefined ? true : undefined;
    }, "the image and the Service as they were");
    const seen = await bench.awaitCondition("zero", "Stalled", "True", "WriteForbidden");
    expect(findCondition(seen.status?.conditions, "Ready")?.status).toBe("False");
    expect((await bench.events("zero")).map(({ message }) => message)).toContain(
      "Service billing: deleted: the operator puts it back",
    );
    denied.clear();
    await bench.awaitCondition("zero", "Ready", "True");
  });

  it("replaces its own Deployment with another selector, and says so", async () => {
    const uid = await replaceDeployment({
      "catalyst.openova.io/managed-by": "operator",
      "catalyst.openova.io/sovereign": "zero",
    });
    const live = await until(async () => {
      const found = await bench.client().get(DEPLOYMENTS, { namespace: NAMESPACE, name: "billing" });
      return found?.metadata.uid === uid ? undefined : found;
    }, "another Deployment");
    expect((live as unknown as { spec: { selector: unknown } }).spec.selector).toEqual({
      matchLabels: { "app.kubernetes.io/name": "billing" },
    });
    await bench.awaitCondition("zero", "Ready", "True");
    expect((await bench.events("zero")).map(({ reason }) => reason)).toContain("ObjectReplaced");
  });

  it("leaves a Deployment alone that is not its own, and stalls with the remedy", async () => {
    const uid = await replaceDeployment({});
    const seen = await bench.awaitCondition("zero", "Stalled", "True", "WriteInvalid");
    const { message } = findCondition(seen.status?.conditions, "Ready") ?? {};
    expect(message).toMatch(/^Deployment sovereign-zero\/billing, spec\.selector: .*field is immutable/);
    expect(message).toMatch(/delete the object: the operator creates it again$/);
    const key = { namespace: NAMESPACE, name: "billing" };
    expect((await bench.client().get(DEPLOYMENTS, key))?.metadata.uid).toBe(uid);
    await bench.client().delete(DEPLOYMENTS, key);
    await bench.awaitCondition("zero", "Ready", "True");
  });

  it("replaces its ConfigMap that was made immutable", async () => {
    const key = { namespace: NAMESPACE, name: "billing-config" };
    const uid = (await bench.client().get(CONFIG_MAPS, key))?.metadata.uid;
    await bench.client().mergePatch(CONFIG_MAPS, key, { immutable: true });
    const live = await until(async () => {
      const found = await bench.client().get<KubernetesObject & { immutable?: boolean }>(CONFIG_MAPS, key);
      return found === undefined || found.metadata.uid === uid ? undefined : found;
    }, "another ConfigMap");
    expect(live.immutable).toBeUndefined();
    await bench.awaitCondition("zero", "Ready", "True");
  });

  it("says Unknown while the namespace is being deleted, and creates it again afterwards", async () => {
    const holder = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "holder", namespace: NAMESPACE, finalizers: ["example.com/held"] },
    };
    await bench.client().create(CONFIG_MAPS, holder);
    await bench.client().delete(NAMESPACES, { name: NAMESPACE });
    const seen = await bench.awaitCondition("zero", "Ready", "False", "NamespaceTerminating");
    for (const type of ["DatabaseReady", "Migrated", "RolledOut", "VoucherShapeVerified", "InSync"])
      expect([type, statusOf(seen, type)]).toEqual([type, "Unknown"]);
    await bench.client().mergePatch(CONFIG_MAPS, holder.metadata, { metadata: { finalizers: [] } });
    await until(
      async () => {
        const { status } = (await read()) ?? {};
        return findCondition(status?.conditions, "Ready")?.reason === "NamespaceTerminating"
          ? undefined
          : true;
      },
      async () => JSON.stringify(await read()),
    );
    await bench.awaitCondition("zero", "Ready", "True");
  });

  it("ends the wait for a migration at its deadline, halts the release, and continues when the cause is removed", async () => {
    const deadlines = { migration: "1s" };
    await bench.client().mergePatch(SOVEREIGNS, { name: "zero" }, { spec: { billing: { deadlines } } });
    bench.simulation().hangingMigrations.add(NAMESPACE);
    await bench.client().mergePatch(RELEASES, { name: "stable" }, { spec: { image: IMAGE } });
    const seen = await bench.awaitCondition("zero", "Stalled", "True", "MigrationDeadlineExceeded");
    expect(findCondition(seen.status?.conditions, "Ready")?.message).toMatch(
      /^the migration has not ended within 1s \(spec\.billing\.deadlines\.migration\): Job billing-migrate-/,
    );
    const halted = await until(
      async () => {
        const { status } = (await bench.client().get<BillingRelease>(RELEASES, { name: "stable" })) ?? {};
        return status?.phase === "Halted" ? status : undefined;
      },
      async () => JSON.stringify(await bench.client().get(RELEASES, { name: "stable" })),
    );
    expect(halted.rollout?.heldUpBy).toMatchObject([{ name: "zero", reason: "MigrationDeadlineExceeded" }]);
    bench.simulation().hangingMigrations.clear();
    const [job] = (await bench.client().list(JOBS, { namespace: NAMESPACE })).items.filter(
      (each) => !isFinishedJob(each as JobObject),
    );
    if (job === undefined) throw new Error("no Job hangs");
    await bench.client().delete(JOBS, job.metadata);
    const ready = await bench.awaitCondition("zero", "Ready", "True");
    expect([ready.status?.pinnedImage, ready.status?.progress]).toEqual([IMAGE, undefined]);
  });

  it("lets a migration end after its Sovereign was suspended, and runs no other one", async () => {
    const namespace = "sovereign-resumed";
    const jobs = async () =>
      (await bench.client().list(JOBS, { namespace })).items.map(({ metadata }) => metadata.uid);
    const suspend = (isSuspended: boolean) =>
      bench.client().mergePatch(SOVEREIGNS, { name: "resumed" }, { spec: { suspend: isSuspended } });
    bench.simulation().hangingMigrations.add(namespace);
    await bench.client().create<Sovereign>(SOVEREIGNS, sovereign("resumed"));
    await bench.awaitCondition("resumed", "Ready", "False", "Migrating");
    const before = await until(async () => ((await jobs()).length === 1 ? jobs() : undefined), "the Job");
    await suspend(true);
    await bench.awaitCondition("resumed", "Ready", "Unknown", "Suspended");
    await settled(run);
    expect(await jobs()).toEqual(before);
    await bench.simulation().endMigration(namespace);
    await suspend(false);
    await bench.awaitCondition("resumed", "Ready", "True");
    expect(await jobs()).toEqual(before);
    expect(bench.simulation().migrations.filter((each) => each.namespace === namespace)).toHaveLength(1);
  });
});
