import type { Blueprint } from "../../api/blueprint.ts";
import type { Franchise, FranchiseStatus } from "../../api/franchise.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Term } from "../../api/term.ts";
import { readyConditions } from "../readiness.ts";

export function desiredStatus(
  franchise: Franchise,
  observed: { sovereigns: readonly Sovereign[]; privateBlueprints: readonly Blueprint[]; term: Term },
  now: string,
): FranchiseStatus {
  const { generation } = franchise.metadata;
  const isInTerm = observed.term.kind === "running";
  const ready = isInTerm
    ? { status: "True" as const, reason: "InTerm", message: "the term of the Franchise runs" }
    : {
        status: "False" as const,
        reason: observed.term.kind === "ended" ? "TermEnded" : "TermNotStarted",
        message:
          observed.term.kind === "ended"
            ? `the term ended at ${franchise.spec.term.end}: the Franchise's subjects may change nothing until spec.term.end is moved or removed`
            : `the term begins at ${franchise.spec.term.start}: until then, the Franchise's subjects may change nothing`,
      };
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    inTerm: isInTerm,
    sovereigns: observed.sovereigns.map(({ metadata }) => metadata.name).sort(),
    privateBlueprints: observed.privateBlueprints.length,
    conditions: readyConditions(franchise.status?.conditions, ready, generation, now),
  };
}
