import { createIssuerFetch } from "../billing/auth/issuer-fetch.ts";
import { readIssuerKeys } from "../billing/auth/issuer-keys.ts";
import type { IssuerProbe } from "../controllers/sovereign/measurement.ts";
import { FetchError } from "../platform/bounded-fetch.ts";
import { errorMessage } from "../platform/errors.ts";

/** Codes of TLS for a certificate that does not lead to a trusted authority. */
const UNKNOWN_AUTHORITY = [
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_SIGNATURE_FAILURE",
];
const INVALID_CERTIFICATE = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "ERR_TLS_CERT_ALTNAME_INVALID"];

/** Reads the issuer's keys as billing does. `authority` is the PEM that TLS trusts; undefined: the public authorities. */
export async function probeIssuer({
  issuer,
  authority,
}: {
  issuer: string;
  authority: string | undefined;
}): Promise<IssuerProbe> {
  const issuerFetch = createIssuerFetch(authority === undefined ? undefined : () => authority);
  try {
    await readIssuerKeys({ issuer }, issuerFetch());
    return { kind: "reachable" };
  } catch (error) {
    return { kind: kindOf(error), cause: errorMessage(error) };
  }
}

function kindOf(error: unknown): Exclude<IssuerProbe["kind"], "reachable"> {
  const codes = codesOf(error);
  if (codes.some((code) => UNKNOWN_AUTHORITY.includes(code))) return "unknownAuthority";
  if (codes.some((code) => INVALID_CERTIFICATE.includes(code))) return "invalidCertificate";
  const isUnreachable = error instanceof FetchError && ["unreachable", "timed_out"].includes(error.code);
  return isUnreachable ? "unreachable" : "invalidAnswer";
}

/** The codes of an error and of its causes. */
function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { code } = error as NodeJS.ErrnoException;
  return [...(typeof code === "string" ? [code] : []), ...codesOf(error.cause)];
}
