import type { Franchise } from "../../../api/franchise.ts";
import { isInTerm } from "../../../api/term.ts";
import { type Stop, waiting } from "../status.ts";
import type { Step } from "./step.ts";

/** Under which Franchise a Sovereign runs, if any, and whether its term holds now. */
export interface Agreement {
  franchise: Franchise | undefined;
  isInTerm: boolean;
  /** Why nothing new may begin under it. */
  stop: Stop | undefined;
}

export function findAgreement({ deps, sovereign }: Step): Agreement {
  const name = sovereign.spec.franchise;
  if (name === undefined) return { franchise: undefined, isInTerm: true, stop: undefined };
  const franchise = deps.caches.franchises.get(name);
  if (franchise === undefined) {
    const stop = waiting("FranchiseMissing", `Franchise ${name} does not exist: apply it`);
    return { franchise, isInTerm: false, stop };
  }
  return { franchise, isInTerm: isInTerm(franchise, deps.now().getTime()), stop: undefined };
}
