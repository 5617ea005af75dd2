import type { SignatureVerifier } from "./signature/verifier.ts";
import { type ArtifactCheck, decideTrust, type Trust } from "./trust-policy.ts";

/** The one check of the webhook and the Blueprint controller: an artifact that passes one passes the other. */
export function createArtifactCheck(deps: {
  verifier: SignatureVerifier;
  trust: () => Trust;
  now: () => Date;
}): ArtifactCheck {
  const { verifier, trust, now } = deps;
  return async function checkArtifact(artifact, franchises) {
    const decision = decideTrust(artifact, { trust: trust(), franchises, nowMs: now().getTime() });
    return decision.kind === "signatureRequired"
      ? verifier.verify(decision.reference, decision.by)
      : decision;
  };
}
