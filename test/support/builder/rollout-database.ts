import { expect } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import type { Sovereign, SovereignStatus } from "../../../src/api/sovereign.ts";
import { desiredMigrationJob } from "../../../src/controllers/sovereign/desired-migration.ts";
import { compareWithReference } from "../../../src/controllers/sovereign/step/comparison.ts";
import { condition, IMAGE, measured, NEXT_IMAGE, NOW, sovereign, verifiedOn } from "./catalyst-object.ts";
import { contextOf } from "./reconcile-context.ts";

const DATABASE = `sha256:${"d".repeat(64)}`;
const IMAGES: Record<string, { schemaVersion: string; apiFingerprint: string }> = {
  [IMAGE]: { schemaVersion: "0001", apiFingerprint: `sha256:${"a".repeat(64)}` },
  [NEXT_IMAGE]: { schemaVersion: "0002", apiFingerprint: `sha256:${"b".repeat(64)}` },
};
const fingerprintOf = (schemaVersion: string) => `sha256:${schemaVersion.slice(-1).repeat(64)}`;
const shapeOf = (image: string, schemaVersion: string) => ({
  schemaVersion,
  schemaFingerprint: fingerprintOf(schemaVersion),
  apiFingerprint: IMAGES[image]?.apiFingerprint ?? "",
});

/** The reference of `IMAGE`, as Catalyst-Zero had it before the rollout. */
export function firstReference(): NonNullable<BillingRelease["status"]> {
  const { reference } = measured(IMAGE);
  return reference === undefined ? {} : { reference: { ...reference, ...shapeOf(IMAGE, "0001") } };
}

/**
 * The databases of a fleet, with the operator's Jobs and its comparison. The schema depends on the migrations that ran, and
 * not on the image that runs: both images work with the newer schema.
 */
export function createDatabases(releases: BillingRelease[]) {
  /** By Sovereign. One that runs an image and has no entry is at the schema of `IMAGE`. */
  const versions = new Map<string, string>();
  /** The results of the Jobs that are still there, by Sovereign and Job. */
  const jobs = new Map<string, string>();
  let nowMs = Date.parse(NOW);
  const context = contextOf(sovereign("any"), { releases }, { now: () => new Date(nowMs) });

  /** Like step/migration.ts: runs the Job once, and reads the result of one that is there already. */
  function migrate(own: Sovereign, image: string): SovereignStatus {
    const { status = {} } = own;
    if (status.migration?.image === image) return status;
    const { name } = own.metadata;
    const job = desiredMigrationJob(own, image, DATABASE).metadata.name;
    const key = `${name}/${job}`;
    if (!jobs.has(key)) {
      const schemas = [versions.get(name) ?? "", IMAGES[image]?.schemaVersion ?? ""];
      versions.set(name, schemas.sort().at(-1) ?? "");
      jobs.set(key, versions.get(name) ?? "");
    }
    // The result is that of today's database.
    expect([name, image, jobs.get(key)]).toEqual([name, image, versions.get(name)]);
    return { ...status, migration: { image, database: DATABASE, job }, schemaVersion: jobs.get(key) ?? "" };
  }

  return {
    /** A backup from before the newer migrations. The operator cannot log in, so it does not know. */
    restore: ({ metadata }: Sovereign) => void versions.set(metadata.name, "0001"),
    /** The status after the migration, the smoke test and the comparison. */
    verify(own: Sovereign, atMs: number): SovereignStatus {
      nowMs = atMs;
      const image = own.status?.pinnedImage ?? "";
      const migrated = migrate(own, image);
      const version = versions.get(own.metadata.name) ?? "0001";
      // Billing is not ready on an older schema.
      expect(version >= (IMAGES[image]?.schemaVersion ?? "")).toBe(true);
      const shape = shapeOf(image, version);
      const findings: typeof context.findings = { conditions: [], facts: {}, stop: undefined };
      const stop = compareWithReference({ ...context, sovereign: own, findings }, image, shape);
      if (stop === undefined)
        return { ...migrated, ...verifiedOn(image, new Date(atMs).toISOString()), ...shape };
      const { reason } = stop;
      const stalled = stop.kind === "stalled" ? [{ ...condition("Stalled", "True"), reason }] : [];
      const conditions = [{ ...condition("VoucherShapeVerified", "False"), reason }, ...stalled];
      return { ...migrated, ...shape, conditions };
    },
  };
}
