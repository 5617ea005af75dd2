import { describe, expect, it } from "vitest";
import type { JobObject } from "../../../../../src/controllers/sovereign/observed.ts";
import { migrate } from "../../../../../src/controllers/sovereign/step/migration.ts";
import type { KubeClient } from "../../../../../src/kube/client.ts";
import { IMAGE, NOW, sovereign } from "../../../../support/builder/catalyst-object.ts";
import { DATABASE, job, name, TARGET } from "../../../../support/builder/migration-job.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";

describe("migrate of a database that was restored", () => {
  const migrated = { migration: { image: IMAGE, database: DATABASE }, schemaVersion: "0005" };
  const restoredTo = (databaseVersion: string | null | undefined, jobs = [job("Complete", NOW)]) => {
    const deleted: unknown[] = [];
    const client = {
      delete: async (_resource: unknown, key: { name: string }, options: unknown) => {
        deleted.push([key.name, options]);
        return true;
      },
    } as unknown as KubeClient;
    const context = contextOf(sovereign("omantel", {}, migrated), { jobs }, { client });
    if (databaseVersion !== undefined) context.findings.databaseVersion = databaseVersion;
    return { context, deleted };
  };

  it("is repeated when the database is older: its Job is deleted, and its record is dropped", async () => {
    const { context, deleted } = restoredTo("0003");
    const message =
      "the database is at schema 0003, and it was at 0005: it was restored from an older backup, so the operator migrates it again; run catalyst reconcile-ledger afterwards";
    expect(await migrate(context, TARGET)).toEqual({
      ...{ kind: "waiting", reason: "SchemaOutdated", message, retryAfterMs: 1_000 },
    });
    expect(deleted).toEqual([[name, { uid: "uid-job" }]]);
    expect(context.findings).toMatchObject({
      isMigrationVoid: true,
      conditions: [{ type: "Migrated", status: "False", reason: "SchemaOutdated", message }],
    });
    expect(context.events).toEqual([{ type: "Warning", reason: "SchemaOutdated", message }]);
  });

  it("is repeated although other Jobs finished on the database that was replaced", async () => {
    const first = job("Complete", NOW);
    const failed = job("Failed");
    const renamed = (each: JobObject, renamedTo: string) => ({
      ...each,
      metadata: { ...each.metadata, name: renamedTo, uid: `uid-${renamedTo}` },
    });
    const { context, deleted } = restoredTo("0003", [
      renamed(first, "first"),
      renamed(failed, "failed"),
      renamed(job(), "open"),
    ]);
    await migrate(context, TARGET);
    expect(deleted).toEqual([
      ["first", { uid: "uid-first" }],
      ["failed", { uid: "uid-failed" }],
    ]);
  });

  it("is repeated although its Job is gone", async () => {
    const { context, deleted } = restoredTo("0003", []);
    expect(await migrate(context, TARGET)).toMatchObject({ reason: "SchemaOutdated" });
    expect([deleted, context.findings.isMigrationVoid]).toEqual([[], true]);
  });

  it.each(["0005", "0006", null, undefined])(
    "is not repeated when the database is at %s",
    async (version) => {
      const { context, deleted } = restoredTo(version);
      expect(await migrate(context, TARGET)).toBeUndefined();
      expect([deleted, context.findings.isMigrationVoid]).toEqual([[], undefined]);
    },
  );
});
