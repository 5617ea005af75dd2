import type { ReleaseReference } from "../../api/billing-release.ts";
import type { Sovereign, SovereignStatus } from "../../api/sovereign.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import type { PodObject } from "./observed.ts";

/** What a smoke test of one Pod found; src/billing/smoke.ts makes it. */
export interface SmokeReport {
  passed: boolean;
  steps: { name: string; passed: boolean; durationMs: number; message: string }[];
  apiFingerprint: string | undefined;
  schema: { version: string; fingerprint: string } | undefined;
}

export type SmokeTest = (input: {
  baseUrl: string;
  token: string;
  /** The voucher that is issued and revoked. */
  code: string;
  signal: AbortSignal;
}) => Promise<SmokeReport>;

/** Evidence older than this is gathered anew. */
export const REVERIFY_MS = 5 * 60_000;

export type Evidence = Pick<
  SovereignStatus,
  "lastSmokeTest" | "apiFingerprint" | "schemaFingerprint" | "schemaVersion"
>;

/** Whether the last smoke test still speaks of what runs now. `isInSync`: nothing had to be put back just now. */
export function isFresh(sovereign: Sovereign, evidence: string, isInSync: boolean, nowMs: number): boolean {
  const last = sovereign.status?.lastSmokeTest;
  if (last?.passed !== true || last.evidence !== evidence || !isInSync) return false;
  return nowMs - Date.parse(last.time) < REVERIFY_MS;
}

/**
 * The code that the smoke test of the n-th Pod issues: the same each time, so that a test which was cut off is cleaned up
 * by the next one, and production gathers no rows. Nobody outside can guess a Sovereign's uid, and redeem it meanwhile.
 */
export function smokeCode(identity: string, index: number): string {
  const digest = sha256Digest(canonicalJson([identity, index])).slice("sha256:".length);
  return `SMOKE-${digest.slice(0, 16).toUpperCase()}`;
}

/** Asks every Pod that is ready by itself: the Service would hide one that differs. */
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
}): Promise<{ evidence: Evidence; problem: string | undefined }> {
  const { port, token, smoke, signal } = deps;
  const ready = deps.pods
    .filter(({ status }) => status?.podIP !== undefined)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const reports = await Promise.all(
    ready.map(async (pod, index) => ({
      pod: pod.metadata.name,
      report: await smoke({
        baseUrl: `http://${pod.status?.podIP}:${port}`,
        token,
        code: smokeCode(deps.identity, index),
        signal,
      }),
    })),
  );
  const first = reports[0]?.report;
  const shown = reports.find(({ report }) => !report.passed)?.report ?? first;
  return {
    problem: problemOf(reports),
    evidence: {
      ...(shown === undefined
        ? {}
        : {
            lastSmokeTest: {
              time: deps.now().toISOString(),
              passed: reports.every(({ report }) => report.passed),
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
  if (first === undefined) return "no Pod is ready to be asked";
  for (const { pod, report } of reports) {
    const failed = report.steps.find(({ passed }) => !passed);
    if (failed !== undefined) return `${pod}: ${failed.name}: ${failed.message}`;
    if (report.apiFingerprint === undefined || report.schema === undefined)
      return `${pod}: its fingerprints cannot be read`;
    if (report.apiFingerprint !== first.report.apiFingerprint)
      return `${pod} serves another API than ${first.pod}`;
  }
  return undefined;
}

/** How measured fingerprints differ from the reference; undefined when they are equal. */
export function shapeDifference(evidence: Evidence, reference: ReleaseReference): string | undefined {
  const differing = [
    evidence.schemaFingerprint === reference.schemaFingerprint
      ? undefined
      : `schema ${evidence.schemaFingerprint}, reference ${reference.schemaFingerprint}`,
    evidence.apiFingerprint === reference.apiFingerprint
      ? undefined
      : `API ${evidence.apiFingerprint}, reference ${reference.apiFingerprint}`,
  ].filter((text) => text !== undefined);
  return differing.length === 0 ? undefined : `${differing.join("; ")} (measured on ${reference.measuredOn})`;
}
