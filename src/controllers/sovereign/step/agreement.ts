import type { Franchise } from "../../../api/franchise.ts";
import { type Stop, waiting } from "../status.ts";
import type { Step } from "./step.ts";

/** Under which Franchise a Sovereign runs, if any, and whether its term holds now. */
export interface Agreement {
  kind: "agreement";
  franchise: Franchise | undefined;
  isInTerm: boolean;
}

export function findAgreement({ deps, sovereign }: Step): Agreement | Stop {
  const name = sovereign.spec.franchise;
  if (name === undefined) return { kind: "agreement", franchise: undefined, isInTerm: true };
  const franchise = deps.caches.franchises.get(name);
  if (franchise === undefined)
    return waiting("FranchiseMissing", `Franchise ${name} does not exist: apply it`);
  const { start, end } = franchise.spec.term;
  const nowMs = deps.now().getTime();
  const isInTerm = Date.parse(start) <= nowMs && (end === undefined || nowMs < Date.parse(end));
  return { kind: "agreement", franchise, isInTerm };
}
