import type { Blueprint } from "../../api/blueprint.ts";
import { type NewCondition, setCondition } from "../../api/condition.ts";
import type { Franchise, FranchiseStatus } from "../../api/franchise.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Term } from "../../api/term.ts";
import { type Readiness, readyConditions } from "../readiness.ts";
import { type AccessScope, accessName, bindingsOf } from "./desired-access.ts";

export function desiredStatus(
  franchise: Franchise,
  observed: {
    sovereigns: readonly Sovereign[];
    privateBlueprints: readonly Blueprint[];
    term: Term;
    /** For each entry of `blueprintTrust`, why its key cannot verify signatures; undefined for a valid key. */
    keyProblems: readonly (string | undefined)[];
    /** The objects and namespaces to which the Franchisee has rights while the term runs. */
    scope: AccessScope;
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
        message: `the Franchise is to be deleted, but Sovereigns ${shown(names)} still run under it: delete them, and the Franchise goes by itself`,
      }
    : termCondition(franchise, observed.term);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    inTerm: isInTerm,
    sovereigns: names,
    privateBlueprints: observed.privateBlueprints.length,
    conditions: [trustCondition(observed.keyProblems), accessCondition(franchise, observed)].reduce(
      (all, condition) => setCondition(all, condition, generation, now),
      readyConditions(franchise.status?.conditions, ready, generation, now),
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

/** Only the first names, because a condition has a limited length. */
function shown(names: readonly string[]): string {
  const more = names.length > MAX_SHOWN ? ` and ${names.length - MAX_SHOWN} more` : "";
  return `${names.slice(0, MAX_SHOWN).join(", ")}${more}`;
}

/** Signature checks ignore an invalid key and use the other entries, so it does not affect `Ready`. */
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

/** Whether RBAC gives the subjects the rights of the grants. Admission does not use RBAC: it reads the Franchise itself. */
function accessCondition(
  franchise: Franchise,
  { term, scope }: { term: Term; scope: AccessScope },
): NewCondition {
  if (term.kind !== "running")
    return {
      ...{ type: ACCESS_GRANTED, status: "False", reason: "OutsideTerm" },
      message:
        "the term does not run, so the subjects have no rights: they get them when it runs, as spec.term says",
    };
  const { metadata, spec } = franchise;
  const namespaces = bindingsOf(franchise, scope).map(({ namespace }) => namespace);
  const where = namespaces.length === 0 ? "no namespace" : `namespaces ${shown(namespaces)}`;
  return {
    ...{ type: ACCESS_GRANTED, status: "True", reason: "Granted" },
    message: `the subjects (${spec.subjects.length}) have ClusterRole ${accessName(metadata.name)} for the Franchise's Sovereigns (${scope.sovereigns.length}), and RoleBindings in ${where}`,
  };
}

const ACCESS_GRANTED = "AccessGranted";
const BLUEPRINT_TRUST_VALID = "BlueprintTrustValid";
const MAX_SHOWN = 5;
