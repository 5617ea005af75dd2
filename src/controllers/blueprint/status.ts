import { BLUEPRINT_VERIFIED, type Blueprint, type BlueprintStatus } from "../../api/blueprint.ts";
import { setCondition } from "../../api/condition.ts";
import { readyConditions } from "../readiness.ts";

/** The result of verifying the artifact's signatures. */
export type Verdict = { kind: "verified"; digest: string; by: string } | { kind: "refused"; reason: string };

export function desiredStatus(blueprint: Blueprint, verdict: Verdict, now: string): BlueprintStatus {
  const { generation } = blueprint.metadata;
  const condition =
    verdict.kind === "verified"
      ? { status: "True" as const, reason: "SignatureVerified", message: `signed by ${verdict.by}` }
      : { status: "False" as const, reason: "SignatureRefused", message: verdict.reason };
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(verdict.kind === "verified" ? { verifiedDigest: verdict.digest, signedBy: verdict.by } : {}),
    conditions: setCondition(
      readyConditions(blueprint.status?.conditions, condition, generation, now),
      { type: BLUEPRINT_VERIFIED, ...condition },
      generation,
      now,
    ),
  };
}
