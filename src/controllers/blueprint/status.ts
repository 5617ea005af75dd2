import type { TrustVerdict } from "../../admission/trust-policy.ts";
import { BLUEPRINT_VERIFIED, type Blueprint, type BlueprintStatus } from "../../api/blueprint.ts";
import { setCondition } from "../../api/condition.ts";
import { SYSTEM_NAMESPACE, TRUST_CONFIG_MAP } from "../../api/name.ts";
import { readyConditions } from "../readiness.ts";

/** `withheld`: not looked up, because the Blueprint is one more than its Franchise grants. */
export type BlueprintVerdict = TrustVerdict | { kind: "withheld"; reason: string };

export const isTrusted = (
  verdict: BlueprintVerdict,
): verdict is Extract<BlueprintVerdict, { kind: "verified" | "allowed" }> =>
  verdict.kind === "verified" || verdict.kind === "allowed";

export function desiredStatus(blueprint: Blueprint, verdict: BlueprintVerdict, now: string): BlueprintStatus {
  const { generation } = blueprint.metadata;
  const condition = conditionOf(verdict);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(isTrusted(verdict) ? { verifiedDigest: verdict.digest } : {}),
    ...(verdict.kind === "verified" ? { signedBy: verdict.by } : {}),
    conditions: setCondition(
      readyConditions(blueprint.status?.conditions, condition, generation, now),
      { type: BLUEPRINT_VERIFIED, ...condition },
      generation,
      now,
    ),
  };
}

function conditionOf(verdict: BlueprintVerdict) {
  switch (verdict.kind) {
    case "verified":
      return { status: "True", reason: "SignatureVerified", message: `signed by ${verdict.by}` } as const;
    case "allowed":
      return {
        status: "True",
        reason: "RegistryAllowed",
        message: `no signature is required: ${verdict.registry} is an allowed registry in ConfigMap ${SYSTEM_NAMESPACE}/${TRUST_CONFIG_MAP}`,
      } as const;
    case "refused":
      return { status: "False", reason: "VerificationFailed", message: verdict.reason } as const;
    case "withheld":
      return { status: "False", reason: "GrantExceeded", message: verdict.reason } as const;
  }
}
