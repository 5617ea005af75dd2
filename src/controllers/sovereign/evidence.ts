import type { ReleaseReference } from "../../api/billing-release.ts";
import { findCondition } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION, type Sovereign, type SovereignStatus } from "../../api/sovereign.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { type PodObject, podOrigin } from "./observed.ts";

/** The result of a smoke test of one Pod, as src/billing/smoke.ts reports it. */
export interface SmokeReport {
  passed: boolean;
  steps: { name: string; passed: boolean; durationMs: number; message: string }[];
  apiFingerprint: string | undefined;
  schema: { version: string; fingerprint: string } | undefined;
}

export type SmokeTest = (input: {
  baseUrl: string;
  token: string;
  /** The code of the voucher that the test issues and revokes. */
  code: string;
  signal: AbortSignal;
}) => Promise<SmokeReport>;

export type Evidence = Pick<
  SovereignStatus,
  "lastSmokeTest" | "apiFingerprint" | "schemaFingerprint" | "schemaVersion"
>;

/** The measurements of the smoke tests of all Pods. `problem` says why they failed. */
export interface SmokeTestOutcome {
  evidence: Evidence;
  problem: string | undefined;
}

/**
 * Above this number, further failures are not reported: the rollout needs no higher count, and the status would change with
 * each one.
 */
const COUNTED_FAILURES = 10;

/** A text by which outcomes are compared. Times and durations are left out. */
export function describeOutcome({ problem, evidence }: SmokeTestOutcome): string {
  const { lastSmokeTest, ...shape } = evidence;
  const failures = Math.min(lastSmokeTest?.failures ?? 0, COUNTED_FAILURES);
  return canonicalJson([problem ?? null, lastSmokeTest?.passed ?? null, failures, shape]);
}

/**
 * Whether the last smoke test still applies to the present Pods and configuration. A differing shape is always measured
 * again. `isInSync`: this reconcile found no managed object that another writer had edited.
 */
export function isFresh(sovereign: Sovereign, evidence: string, isInSync: boolean): boolean {
  const last = sovereign.status?.lastSmokeTest;
  if (last?.passed !== true || last.evidence !== evidence || !isInSync) return false;
  const shape = findCondition(sovereign.status?.conditions, SOVEREIGN_CONDITION.voucherShapeVerified);
  return shape?.reason !== "ShapeDiffers";
}

/**
 * The voucher code that the smoke test of the n-th Pod issues. It is the same each time, so a test revokes the voucher of
 * an interrupted one, and tests add no rows to production. It is derived from the Sovereign's uid, so it is secret, and no
 * customer can redeem the voucher before it is revoked.
 */
export function smokeCode(identity: string, index: number): string {
  const digest = sha256Digest(canonicalJson([identity, index])).slice("sha256:".length);
  return `SMOKE-${digest.slice(0, 16).toUpperCase()}`;
}

/** Tests each Pod at its own address. Through the Service, a differing Pod could remain undetected. */
export async function gatherEvidence(deps: {
  pods: readonly PodObject[];
  /** The Sovereign's uid. */
  identity: string;
  port: number;
  token: string;
  smoke: SmokeTest;
  evidence: string;
  now: () => Date;
  signal: AbortSignal;
}): Promise<SmokeTestOutcome> {
  const { port, token, smoke, signal } = deps;
  const ready = deps.pods
    .flatMap((pod) => {
      const baseUrl = podOrigin(pod, port);
      return baseUrl === undefined ? [] : [{ name: pod.metadata.name, baseUrl }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const reports = await Promise.all(
    ready.map(async ({ name, baseUrl }, index) => ({
      pod: name,
      report: await smoke({
        baseUrl,
        token,
        code: smokeCode(deps.identity, index),
        signal,
      }),
    })),
  );
  const first = reports[0]?.report;
  const shown = reports.find(({ report }) => !report.passed)?.report ?? first;
  const problem = problemOf(reports);
  return {
    problem,
    evidence: {
      ...(shown === undefined
        ? {}
        : {
            lastSmokeTest: {
              time: deps.now().toISOString(),
              // False also when all steps passed but the Pods differ, because a later reconcile reads only the status.
              passed: problem === undefined,
              evidence: deps.evidence,
              steps: shown.steps.map(({ message, ...step }) => ({
                ...step,
                message: message.slice(0, 1024),
              })),
            },
          }),
      ...(first?.apiFingerprint === undefined ? {} : { apiFingerprint: first.apiFingerprint }),
      ...(first?.schema === undefined
        ? {}
        : { schemaFingerprint: first.schema.fingerprint, schemaVersion: first.schema.version }),
    },
  };
}

function problemOf(reports: { pod: string; report: SmokeReport }[]): string | undefined {
  const [first] = reports;
  if (first === undefined)
    return "no billing Pod is ready for the smoke test: look at the Pods' events and logs";
  for (const { pod, report } of reports) {
    const failed = report.steps.find(({ passed }) => !passed);
    if (failed !== undefined)
      return `Pod ${pod}: step ${failed.name} of the smoke test failed: ${failed.message}`;
    if (report.apiFingerprint === undefined || report.schema === undefined)
      return `Pod ${pod}: the operator cannot read its schema and API fingerprints`;
    if (report.apiFingerprint !== first.report.apiFingerprint)
      return `Pod ${pod} serves another API than Pod ${first.pod}: delete the one that differs from the reference`;
  }
  return undefined;
}

/** Names the measured fingerprints that differ from the reference, and the remedy; undefined when both are equal. */
export function shapeDifference(evidence: Evidence, reference: ReleaseReference): string | undefined {
  const measuredOn = `the reference measured on ${reference.measuredOn}`;
  const differing = [
    schemaVersionDifference(evidence, reference),
    evidence.schemaVersion !== reference.schemaVersion ||
    evidence.schemaFingerprint === reference.schemaFingerprint
      ? undefined
      : `the schema fingerprint is ${evidence.schemaFingerprint}, but ${measuredOn} is ${reference.schemaFingerprint}: ` +
        "run `catalyst migrate` on the database to list the objects that differ, and undo those changes",
    evidence.apiFingerprint === reference.apiFingerprint
      ? undefined
      : `the API fingerprint is ${evidence.apiFingerprint}, but ${measuredOn} is ${reference.apiFingerprint}: ` +
        "check which images the billing Pods run",
  ].filter((text) => text !== undefined);
  return differing.length === 0 ? undefined : differing.join("; ");
}

/** A schema of another version must not be changed by hand: another image works with it. */
function schemaVersionDifference(
  { schemaVersion = "" }: Evidence,
  { schemaVersion: expected, measuredOn }: ReleaseReference,
): string | undefined {
  if (schemaVersion === expected) return undefined;
  const found = `the schema is at version ${schemaVersion}, but the reference of this image was measured on ${measuredOn} at ${expected}`;
  return schemaVersion > expected
    ? `${found}, and no release has a reference of the newer version: set spec.image of the BillingRelease to an image of that version, or, if its migrations are backward compatible, set spec.rollout.backwardCompatible to true`
    : `${found}, after a newer image had migrated it: set spec.image of the BillingRelease to an image of that version`;
}
