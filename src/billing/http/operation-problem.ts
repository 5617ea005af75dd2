import type { BillingErrorCode } from "../errors.ts";
import type { Operation } from "./operation.ts";
import { PROBLEMS, type ProblemCode } from "./problem-table.ts";

/** Every code that an operation can answer with: those that follow from its access, body and parameters, and those that it names. */
function problemsOf(operation: Operation): ProblemCode[] {
  const { access, method, body, path, query, takesIdempotencyKey, raises = [] } = operation;
  const codes = new Set<ProblemCode>([...raises, "internal"]);
  const add = (condition: boolean, ...more: BillingErrorCode[]) => {
    if (condition) for (const code of more) codes.add(code);
  };
  add(access !== "anyone", "token_missing", "token_invalid", "issuer_unavailable");
  // An auditor may only read, so a change by an auditor is refused.
  add(Array.isArray(access) || (access === "user" && method !== "get"), "role_missing");
  add(body !== undefined, "request_invalid", "body_too_large", "body_encoding_unsupported");
  add(typeof body === "object", "body_not_json", "body_type_unsupported");
  add(path.includes("{") || query !== undefined, "request_invalid");
  add(
    takesIdempotencyKey === true,
    "idempotency_key_invalid",
    "idempotency_in_flight",
    "idempotency_mismatch",
  );
  // Every operation under this path uses the database.
  add(path.startsWith("/billing/"), "database_unavailable");
  return [...codes].sort();
}

/** The codes that an operation can answer with, by status. */
export function problemsByStatus(operation: Operation): Map<number, ProblemCode[]> {
  return Map.groupBy(problemsOf(operation), (code) => PROBLEMS[code].status);
}
