import type { Sovereign } from "../../../api/sovereign.ts";
import type { SovereignDeps } from "../dependency.ts";
import type { Findings } from "../status.ts";

export const SOON_MS = 1_000;

/** One reconcile of one Sovereign, as every step of it is given it. Steps add what they see to `findings`. */
export interface Step {
  deps: SovereignDeps;
  sovereign: Sovereign;
  findings: Findings;
  /** Writes the status in between, where an observer must not miss it. */
  report(findings: Findings): Promise<void>;
  signal: AbortSignal;
}
