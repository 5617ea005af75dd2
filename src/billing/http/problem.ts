import { CodedError, type FieldError, RequestError, VoucherConflict, VoucherError } from "../errors.ts";
import { errorReference } from "./error-page.ts";
import { PROBLEMS, type ProblemCode } from "./problem-table.ts";

/** Problem details (RFC 9457), with the earlier service's member `error`. */
export interface Problem {
  /** A reference to the code's entry on the error page, relative to the requested path. */
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  error: string;
  errors?: { field: string; rule: string }[];
  /** The voucher as it is, when it is not as the request requires. */
  voucher?: object;
}

/** The code of a coded error. Anything else that is thrown is a bug, and `internal`. */
export function codeOf(error: unknown): ProblemCode {
  return error instanceof CodedError ? error.code : "internal";
}

/** The answer to anything thrown. Only a coded error shows its message: everything else is an opaque 500. */
export function problemOf(
  error: unknown,
  requestPath: string,
): { problem: Problem; headers: Record<string, string> } {
  const code = codeOf(error);
  const { status, title } = PROBLEMS[code];
  const detail =
    error instanceof CodedError
      ? error.message
      : "the service failed: try again, and report the X-Request-Id if it fails again";
  const fields = fieldsOf(error);
  return {
    problem: {
      type: errorReference(code, requestPath),
      title,
      status,
      detail,
      code,
      error: detail,
      ...(fields.length === 0 ? {} : { errors: [...fields] }),
      ...(error instanceof VoucherConflict && error.current !== undefined ? { voucher: error.current } : {}),
    },
    headers: {
      ...(status === 401
        ? { "WWW-Authenticate": code === "token_missing" ? "Bearer" : 'Bearer error="invalid_token"' }
        : {}),
      ...retryAfter(error, status),
    },
  };
}

function fieldsOf(error: unknown): readonly FieldError[] {
  if (error instanceof RequestError) return error.fields;
  return error instanceof VoucherError && error.field !== undefined
    ? [{ field: error.field, rule: error.message }]
    : [];
}

function retryAfter(error: unknown, status: number): Record<string, string> {
  const retryAfterMs = error instanceof RequestError ? error.retryAfterMs : undefined;
  if (retryAfterMs !== undefined)
    return { "Retry-After": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) };
  return status === 503 && error instanceof CodedError && error.code !== "payment_unavailable"
    ? { "Retry-After": "2" }
    : {};
}
