import { mapOf, textOf } from "../../api/object.ts";
import { newProblems, type Problem } from "./change.ts";
import type { Violation } from "./fact.ts";
import type { GuardFacts } from "./guarded-service.ts";
import type { Identity } from "./identity.ts";
import { type FoundClaim, surveyOf } from "./object-survey.ts";
import { type AdmissionInput, storesObject } from "./request.ts";

interface ClaimFacts extends GuardFacts {
  identity: Identity;
}

/** Velero restores claims with their volumes. Only the platform writes the objects by which it restores. */
const RESTORER = "velero";

/**
 * A claim, in an object of any kind, may not name its volume, because Kubernetes binds it to that volume even if the volume
 * was made for others. Nor may it name a source in a namespace of others, which holds their data.
 */
export function volumeClaimRule(input: AdmissionInput, facts: ClaimFacts): Violation[] {
  const { identity } = facts;
  if (!storesObject(input) || (identity.kind === "controller" && identity.namespace === RESTORER)) return [];
  const found = problemsIn(input.object, facts);
  if (found.length === 0) return [];
  return newProblems(problemsIn(input.oldObject, facts), found).map((problem) => ({
    rule: "pod-isolation",
    ...problem,
  }));
}

const problemsIn = (object: unknown, facts: GuardFacts): Problem[] =>
  surveyOf(object).volumeClaims.flatMap((claim) => problemsOf(claim, facts));

function problemsOf({ path, spec }: FoundClaim, facts: GuardFacts): Problem[] {
  const { namespace } = mapOf(spec.dataSourceRef);
  const named = {
    path: `${path}.volumeName`,
    message: `volume ${textOf(spec.volumeName)} may be made for others; remove this field, or ask the platform team to reserve the volume for your claim by its spec.claimRef`,
  };
  const foreign = {
    path: `${path}.dataSourceRef.namespace`,
    message: `namespace ${textOf(namespace)} is not yours; name a source in a namespace where you work`,
  };
  return [
    ...(typeof spec.volumeName === "string" && spec.volumeName !== "" ? [named] : []),
    ...(typeof namespace === "string" && facts.isForeignNamespace(namespace) ? [foreign] : []),
  ];
}
