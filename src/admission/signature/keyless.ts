import { X509Certificate } from "node:crypto";
import type { Bundle } from "@sigstore/bundle";
import { toSignedEntity, Verifier } from "@sigstore/verify";
import type { TrustEntry } from "../../api/franchise.ts";
import type { StoredSignature } from "./stored-signature.ts";
import type { TrustedRoot } from "./trusted-root.ts";

type Identity = NonNullable<TrustEntry["keyless"]>;

/** cosign writes one entry and at most one timestamp. Sigstore's verifier compares all of them with each other. */
const MAX_PROOFS = 4;
/** The names of logs, which are host names and paths. */
const LOG_NAME = /^[\w.:/-]{1,256}$/;
const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";

/**
 * The signer's identity, from a certificate that the trusted root vouches for. The signature was made while the certificate
 * was valid, and is recorded in a transparency log of the trusted root. Undefined when any of this does not hold.
 */
export function keylessSigner(
  { keyless, message }: StoredSignature,
  { material }: TrustedRoot,
): Identity | undefined {
  if (keyless === undefined || !isBounded(keyless) || !mayCodeSign(keyless)) return undefined;
  try {
    const verifier = new Verifier(material, {
      tlogThreshold: 1,
      timestampThreshold: 1,
      // A private Fulcio may run without a certificate transparency log; its trusted root then names none.
      ctlogThreshold: material.ctlogs.length > 0 ? 1 : 0,
    });
    const { identity } = verifier.verify(toSignedEntity(keyless, message));
    const [issuer, subject] = [identity?.extensions?.issuer, identity?.subjectAlternativeName];
    return issuer === undefined || subject === undefined ? undefined : { issuer, identity: subject };
  } catch {
    return undefined;
  }
}

/**
 * Whether the verifier is fast with this bundle, even if an attacker made it. The verifier compares each pair of entries,
 * and uses the name in a log's checkpoint as a regular expression.
 */
function isBounded({ verificationMaterial }: Bundle): boolean {
  const { tlogEntries, timestampVerificationData } = verificationMaterial;
  const names = tlogEntries.flatMap(({ inclusionProof }) =>
    [...(inclusionProof?.checkpoint?.envelope ?? "").matchAll(/\u2014 (\S+) \S+\n/g)].map(
      ([, name = ""]) => name,
    ),
  );
  return (
    tlogEntries.length <= MAX_PROOFS &&
    (timestampVerificationData?.rfc3161Timestamps.length ?? 0) <= MAX_PROOFS &&
    names.length <= MAX_PROOFS &&
    names.every((name) => LOG_NAME.test(name))
  );
}

/** Whether the certificate is for signing code. Sigstore's verifier does not check it. */
function mayCodeSign({ verificationMaterial: { content } }: Bundle): boolean {
  const certificate =
    content.$case === "x509CertificateChain"
      ? content.x509CertificateChain.certificates[0]
      : content.$case === "certificate"
        ? content.certificate
        : undefined;
  if (certificate === undefined) return false;
  try {
    return new X509Certificate(certificate.rawBytes).keyUsage?.includes(CODE_SIGNING) === true;
  } catch {
    return false;
  }
}
