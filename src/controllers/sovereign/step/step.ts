import type { KubernetesObject } from "../../../api/object.ts";
import type { Sovereign } from "../../../api/sovereign.ts";
import { liveObject } from "../cache.ts";
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

/** What the API server has after the write, if one was needed. */
export async function applyOne({ deps }: Step, desired: KubernetesObject): Promise<KubernetesObject> {
  return (await deps.applier.apply(desired, liveObject(deps.caches, desired))).object;
}
