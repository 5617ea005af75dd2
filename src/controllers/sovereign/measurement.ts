import { createMeasurements, type MeasurementPace, type Measurements } from "../measurement.ts";
import { describeOutcome, type SmokeTestOutcome } from "./evidence.ts";

/** Whether a database accepts a login now. `reason` never holds the URL or its password. */
export type DatabaseProbe =
  /** `schemaVersion` is null without a billing schema, and absent when the login may not read it. */
  | { kind: "ready"; schemaVersion?: string | null }
  | { kind: "unready"; reason: string }
  /** It belongs to another Sovereign. */
  | { kind: "foreign"; reason: string }
  /** The URL names TLS files that only the workload has, so the operator cannot log in. */
  | { kind: "untested"; reason: string };

/** Whether the keys of an OIDC issuer can be read as billing reads them. */
export type IssuerProbe =
  | { kind: "reachable" }
  /** Nothing answered, so the operator cannot say what billing would receive. */
  | { kind: "unreachable"; cause: string }
  | { kind: "unknownAuthority" | "invalidCertificate" | "invalidAnswer"; cause: string };

const PROBE_PACE: MeasurementPace = {
  deadlineMs: 10_000,
  graceMs: 200,
  firstRetryMs: 1_000,
  maxRetryMs: 60_000,
  concurrency: 16,
  retryConcurrency: 8,
};

const SMOKE_TEST_PACE: MeasurementPace = {
  deadlineMs: 20_000,
  graceMs: 200,
  firstRetryMs: 5_000,
  maxRetryMs: 300_000,
  concurrency: 16,
  retryConcurrency: 8,
};

const ISSUER_PACE: MeasurementPace = { ...PROBE_PACE, firstRetryMs: 5_000, maxRetryMs: 300_000 };

/** The measurements that the steps of a Sovereign's reconcile read. One for each term of leadership. */
export function createSovereignMeasurements({ now }: { now: () => Date }): {
  probes: Measurements<DatabaseProbe>;
  smokeTests: Measurements<SmokeTestOutcome>;
  issuerProbes: Measurements<IssuerProbe>;
} {
  return {
    probes: createMeasurements({ pace: PROBE_PACE, describe: (probe) => JSON.stringify(probe), now }),
    issuerProbes: createMeasurements({ pace: ISSUER_PACE, describe: (probe) => JSON.stringify(probe), now }),
    smokeTests: createMeasurements({ pace: SMOKE_TEST_PACE, describe: describeOutcome, now }),
  };
}
