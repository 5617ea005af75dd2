import type { Franchise } from "../../api/franchise.ts";
import { isInTerm } from "../../api/term.ts";
import type { ReconcileContext } from "./context.ts";
import { type Stop, waiting } from "./status.ts";

/** The Franchise that a Sovereign runs under, if any, and whether its term runs now. */
export interface FranchiseStanding {
  franchise: Franchise | undefined;
  isInTerm: boolean;
  /** Why the reconcile must start nothing new. */
  stop: Stop | undefined;
}

export function findFranchise({ deps, sovereign }: ReconcileContext): FranchiseStanding {
  const name = sovereign.spec.franchise;
  if (name === undefined) return { franchise: undefined, isInTerm: true, stop: undefined };
  const franchise = deps.caches.franchises.get(name);
  if (franchise === undefined) {
    const stop = waiting("FranchiseMissing", `Franchise ${name} does not exist: apply it`);
    return { franchise, isInTerm: false, stop };
  }
  return { franchise, isInTerm: isInTerm(franchise, deps.now().getTime()), stop: undefined };
}
