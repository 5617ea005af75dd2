import type { Blueprint } from "../../api/blueprint.ts";
import { type NewCondition, setCondition } from "../../api/condition.ts";
import type { Franchise, FranchiseStatus } from "../../api/franchise.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Term } from "../../api/term.ts";
import { type Readiness, readyConditions } from "../readiness.ts";

export function desiredStatus(
  franchise: Franchise,
  observed: {
    sovereigns: readonly Sovereign[];
    privateBlueprints: readonly Blueprint[];
    term: Term;
    /** For each entry of `blueprintTrust`, why its key counts for no signature. */
    keyProblems: readonly (string | undefined)[];
  },
  now: string,
): FranchiseStatus {
  const { generation } = franchise.metadata;
  const isInTerm = observed.term.kind === "running";
  const names = observed.sovereigns.map(({ metadata }) => metadata.name).sort();
  const isHeld = franchise.metadata.deletionTimestamp !== undefined && names.length > 0;
  const ready: Readiness = isHeld
    ? {
        status: "False",
        reason: "InUse",
        message: `the Franchise is to be deleted, but ${shownNames(names)} still run under it: delete them, and the Franchise goes by itself`,
      }
    : termCondition(franchise, observed.term);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    inTerm: isInTerm,
    sovereigns: names,
    privateBlueprints: observed.privateBlueprints.length,
    conditions: setCondition(
      readyConditions(franchise.status?.conditions, ready, generation, now),
      trustCondition(observed.keyProblems),
      generation,
      now,
    ),
  };
}

function termCondition({ spec }: Franchise, { kind }: Term): Readiness {
  if (kind === "running")
    return { status: "True", reason: "InTerm", message: "the term of the Franchise runs" };
  return {
    status: "False",
    reason: kind === "ended" ? "TermEnded" : "TermNotStarted",
    message:
      kind === "ended"
        ? `the term ended at ${spec.term.end}: the Franchise's subjects may change nothing until spec.term.end is moved or removed`
        : `the term begins at ${spec.term.start}: until then, the Franchise's subjects may change nothing`,
  };
}

/** The first names only, because a condition has a bounded length. */
function shownNames(names: readonly string[]): string {
  const more = names.length > MAX_SHOWN ? ` and ${names.length - MAX_SHOWN} more` : "";
  return `Sovereigns ${names.slice(0, MAX_SHOWN).join(", ")}${more}`;
}

/** An invalid key is left out when signatures are checked, and the other entries count. So it does not affect `Ready`. */
function trustCondition(keyProblems: readonly (string | undefined)[]): NewCondition {
  const invalid = keyProblems.flatMap((problem, index) =>
    problem === undefined ? [] : [`spec.blueprintTrust[${index}].publicKey ${problem}`],
  );
  return invalid.length === 0
    ? {
        ...{ type: BLUEPRINT_TRUST_VALID, status: "True", reason: "Valid" },
        message: "all entries of spec.blueprintTrust count",
      }
    : {
        ...{ type: BLUEPRINT_TRUST_VALID, status: "False", reason: "KeyInvalid" },
        message: [
          ...invalid.slice(0, MAX_SHOWN),
          ...(invalid.length > MAX_SHOWN ? [`and ${invalid.length - MAX_SHOWN} more`] : []),
        ].join("; "),
      };
}

const BLUEPRINT_TRUST_VALID = "BlueprintTrustValid";
const MAX_SHOWN = 5;
