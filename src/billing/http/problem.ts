import { type BillingErrorCode, CodedError, RequestError } from "../errors.ts";
import { errorReference } from "./error-page.ts";

/** Each code's status and title. A code that is missing here does not compile. docs/errors.md has a line for each. */
export const PROBLEMS: Record<BillingErrorCode | "internal", { status: number; title: string }> = {
  voucher_not_found: { status: 404, title: "Voucher not found" },
  voucher_ended: { status: 410, title: "Voucher ended" },
  voucher_invalid: { status: 400, title: "Voucher invalid" },
  voucher_blank: { status: 400, title: "Voucher code blank" },
  grant_exceeded: { status: 403, title: "Grant exceeded" },
  grants_unavailable: { status: 503, title: "Grants unavailable" },
  already_redeemed: { status: 409, title: "Voucher already redeemed" },
  plan_unknown: { status: 422, title: "Plan unknown" },
  app_unknown: { status: 422, title: "App unknown" },
  addon_unknown: { status: 422, title: "Add-on unknown" },
  total_too_large: { status: 422, title: "Total too large" },
  balance_too_large: { status: 422, title: "Balance too large" },
  tenant_not_yours: { status: 403, title: "Tenant belongs to another customer" },
  tenant_not_found: { status: 404, title: "Tenant not found" },
  catalog_unavailable: { status: 503, title: "Catalog unavailable" },
  tenant_service_unavailable: { status: 503, title: "Tenant service unavailable" },
  payment_unavailable: { status: 503, title: "Payment unavailable" },
  payment_refused: { status: 502, title: "Payment refused" },
  payment_account_missing: { status: 404, title: "No payment account" },
  settings_fixed: { status: 409, title: "Settings fixed by the deployment" },
  settings_key_missing: { status: 503, title: "No key for stored secrets" },
  request_invalid: { status: 400, title: "Request invalid" },
  body_not_json: { status: 400, title: "Body is not JSON" },
  body_too_large: { status: 413, title: "Body too large" },
  body_encoding_unsupported: { status: 415, title: "Body encoding unsupported" },
  body_type_unsupported: { status: 415, title: "Body type unsupported" },
  idempotency_in_flight: { status: 409, title: "Request still under way" },
  idempotency_mismatch: { status: 422, title: "Idempotency key used for another request" },
  idempotency_key_invalid: { status: 400, title: "Idempotency key invalid" },
  signature_invalid: { status: 400, title: "Signature invalid" },
  rate_limited: { status: 429, title: "Too many requests" },
  not_found: { status: 404, title: "Not found" },
  method_not_allowed: { status: 405, title: "Method not allowed" },
  token_missing: { status: 401, title: "Token missing" },
  token_invalid: { status: 401, title: "Token invalid" },
  role_missing: { status: 403, title: "Role missing" },
  issuer_unavailable: { status: 503, title: "Sign-in service unavailable" },
  database_unavailable: { status: 503, title: "Database unavailable" },
  internal: { status: 500, title: "Internal error" },
};

/** RFC 9457, with the older `error` member beside. */
export interface Problem {
  /** A reference to the code's entry on the page about errors, relative to what was asked. */
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  error: string;
  errors?: { field: string; rule: string }[];
}

/** Coded errors say what they are; anything else is a bug. */
export function codeOf(error: unknown): keyof typeof PROBLEMS {
  return error instanceof CodedError ? error.code : "internal";
}

/** What to answer for anything thrown: coded errors say what they are, everything else is an opaque 500. */
export function problemOf(
  error: unknown,
  requestPath: string,
): { problem: Problem; headers: Record<string, string> } {
  const code = codeOf(error);
  const { status, title } = PROBLEMS[code];
  const detail =
    error instanceof CodedError
      ? error.message
      : "something went wrong on our side: try again, and tell us if it stays";
  const fields = error instanceof RequestError ? error.fields : [];
  return {
    problem: {
      type: errorReference(code, requestPath),
      title,
      status,
      detail,
      code,
      error: detail,
      ...(fields.length === 0 ? {} : { errors: [...fields] }),
    },
    headers: {
      ...(status === 401
        ? { "WWW-Authenticate": code === "token_missing" ? "Bearer" : 'Bearer error="invalid_token"' }
        : {}),
      ...retryAfter(error, status),
    },
  };
}

function retryAfter(error: unknown, status: number): Record<string, string> {
  const retryAfterMs = error instanceof RequestError ? error.retryAfterMs : undefined;
  if (retryAfterMs !== undefined)
    return { "Retry-After": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) };
  return status === 503 && error instanceof CodedError && error.code !== "payment_unavailable"
    ? { "Retry-After": "2" }
    : {};
}
