import type { BillingErrorCode } from "../errors.ts";
import type { Operation } from "./operation.ts";
import { PROBLEMS } from "./problem.ts";

export type ProblemCode = keyof typeof PROBLEMS;

/** Every code that an operation can answer: what its access, body and parameters bring along, and what it names itself. */
function problemsOf(operation: Operation): ProblemCode[] {
  const { access, body, path, query, takesIdempotencyKey, raises = [] } = operation;
  const codes = new Set<ProblemCode>([...raises, "internal"]);
  const add = (condition: boolean, ...more: BillingErrorCode[]) => {
    if (condition) for (const code of more) codes.add(code);
  };
  add(access !== "anyone", "token_missing", "token_invalid", "issuer_unavailable");
  add(Array.isArray(access), "role_missing");
  add(body !== undefined, "request_invalid", "body_too_large", "body_encoding_unsupported");
  add(typeof body === "object", "body_not_json", "body_type_unsupported");
  add(path.includes("{") || query !== undefined, "request_invalid");
  add(
    takesIdempotencyKey === true,
    "idempotency_key_invalid",
    "idempotency_in_flight",
    "idempotency_mismatch",
  );
  // All that lies under it asks the database.
  add(path.startsWith("/billing/"), "database_unavailable");
  return [...codes].sort();
}

/** The same by status. */
export function problemsByStatus(operation: Operation): Map<number, ProblemCode[]> {
  return Map.groupBy(problemsOf(operation), (code) => PROBLEMS[code].status);
}
