import type { TrustVerdict } from "../../admission/trust-policy.ts";
import { BLUEPRINT_VERIFIED, type Blueprint, type BlueprintStatus } from "../../api/blueprint.ts";
import { setCondition } from "../../api/condition.ts";
import { SYSTEM_NAMESPACE, TRUST_CONFIG_MAP } from "../../api/name.ts";
import { readyConditions } from "../readiness.ts";

export function desiredStatus(blueprint: Blueprint, verdict: TrustVerdict, now: string): BlueprintStatus {
  const { generation } = blueprint.metadata;
  const condition = conditionOf(verdict);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(verdict.kind === "refused" ? {} : { verifiedDigest: verdict.digest }),
    ...(verdict.kind === "verified" ? { signedBy: verdict.by } : {}),
    conditions: setCondition(
      readyConditions(blueprint.status?.conditions, condition, generation, now),
      { type: BLUEPRINT_VERIFIED, ...condition },
      generation,
      now,
    ),
  };
}

function conditionOf(verdict: TrustVerdict) {
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
  }
}
