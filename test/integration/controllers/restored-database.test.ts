import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition } from "../../../src/api/condition.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { DEPLOYMENTS } from "../../../src/kube/resource.ts";
import { release, sovereign } from "../../support/builder/catalyst-object.ts";
import { RELEASES, SOVEREIGNS, settled, useOperatorBench } from "../../support/process/operator-bench.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
const NAMESPACE = "sovereign-zero";

/** Billing is not ready on the restored database. */
const setAvailable = (availableReplicas: number, namespace = NAMESPACE) =>
  bench
    .client()
    .mergePatch(DEPLOYMENTS, { namespace, name: "billing" }, { status: { availableReplicas } }, "status");
const migrations = () =>
  bench.simulation().migrations.filter(({ namespace }) => namespace === NAMESPACE).length;

describe("a database that was restored from a backup", () => {
  let run: ReturnType<typeof bench.startControllers>;
  beforeAll(async () => {
    await bench.client().create<BillingRelease>(RELEASES, release());
    await bench.client().create<Sovereign>(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }));
    run = bench.startControllers();
  });
  beforeEach(async () => {
    await bench.awaitCondition("zero", "Ready", "True");
    await settled(run);
  });

  it("is migrated once more when it is older than its last migration, and the Sovereign is Ready again", async () => {
    expect(migrations()).toBe(1);
    bench.simulation().schemas.set(NAMESPACE, "0003");
    await setAvailable(0);
    await until(
      () => migrations() > 1,
      async () => JSON.stringify((await bench.sovereign("zero"))?.status?.conditions),
    );
    await bench.awaitCondition("zero", "Migrated", "True");
    await setAvailable(2);
    const seen = await bench.awaitCondition("zero", "Ready", "True");
    expect(seen.status).toMatchObject({
      schemaVersion: "0005",
      migration: { image: seen.status?.pinnedImage },
    });
    await settled(run);
    expect(migrations()).toBe(2);
    const outdated = (await bench.events("zero")).filter(({ reason }) => reason === "SchemaOutdated");
    expect(outdated.map(({ count, message }) => [count, message])).toEqual([
      [
        1,
        "the database is at schema 0003, and it was at 0005: it was restored from an older backup, so the operator migrates it again; run catalyst reconcile-ledger afterwards",
      ],
    ]);
  });

  it("is left alone when it is as new as its last migration", async () => {
    const before = migrations();
    bench.simulation().schemas.set(NAMESPACE, "0005");
    await setAvailable(0);
    await bench.awaitCondition("zero", "RolledOut", "False");
    await settled(run);
    await setAvailable(2);
    await bench.awaitCondition("zero", "Ready", "True");
    expect(migrations()).toBe(before);
  });
});

describe("an empty database in place of one that was migrated", () => {
  it("is not migrated: the Sovereign stalls and says what to do", async () => {
    await bench.client().create<Sovereign>(SOVEREIGNS, sovereign("emptied"));
    await bench.awaitCondition("emptied", "Ready", "True");
    const namespace = "sovereign-emptied";
    const before = bench.simulation().migrations.length;
    bench.simulation().schemas.set(namespace, null);
    await setAvailable(0, namespace);
    const seen = await bench.awaitCondition("emptied", "Stalled", "True", "DatabaseEmpty");
    expect(findCondition(seen.status?.conditions, "DatabaseReady")).toMatchObject({
      status: "False",
      message:
        "Secret sovereign-emptied/billing-db, key uri: the database has no billing schema, and it was migrated before: restore its backup; to begin with an empty database, delete the Secret and create it again",
    });
    expect(bench.simulation().migrations).toHaveLength(before);
  });
});
