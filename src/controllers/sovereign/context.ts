import type { Sovereign } from "../../api/sovereign.ts";
import type { SovereignDeps } from "./dependency.ts";
import type { Findings } from "./findings.ts";

export const SOON_MS = 1_000;
const UNWATCHED_SECRET_RETRY_MS = 15_000;

/** When to look again for a Secret. Undefined: the watch of Secrets reports a new one. A cluster may withhold the right to watch. */
export const secretRetryMs = ({ caches }: Pick<SovereignDeps, "caches">): number | undefined =>
  caches.secretVersions.isSynced() ? undefined : UNWATCHED_SECRET_RETRY_MS;

/** What every step of one reconcile of one Sovereign receives. Steps add what they observe to `findings`. */
export interface ReconcileContext {
  deps: SovereignDeps;
  sovereign: Sovereign;
  findings: Findings;
  /** Writes the status before the reconcile ends, where an observer must be able to see a state that passes. */
  report(findings: Findings): Promise<void>;
  signal: AbortSignal;
}
