import type { Sovereign } from "../../api/sovereign.ts";
import { isWatched } from "../../kube/informer.ts";
import type { SovereignDeps } from "./dependency.ts";
import type { Findings } from "./findings.ts";

export const SOON_MS = 1_000;
const UNWATCHED_SECRET_RETRY_MS = 15_000;

/**
 * When to read a Secret again. Undefined when the watch of Secrets reports changes. A cluster may withhold the right to
 * watch them.
 */
export const secretRetryMs = ({ caches }: Pick<SovereignDeps, "caches">): number | undefined =>
  isWatched(caches.secretVersions) ? undefined : UNWATCHED_SECRET_RETRY_MS;

/** The input of every step in one reconcile of one Sovereign. Steps add their observations to `findings`. */
export interface ReconcileContext {
  deps: SovereignDeps;
  sovereign: Sovereign;
  findings: Findings;
  /** Writes the status before the reconcile ends, so that an observer can see an intermediate state. */
  report(findings: Findings): Promise<void>;
  signal: AbortSignal;
}
