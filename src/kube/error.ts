import { isMap, listOf, mapOf } from "../api/object.ts";

export interface FailedRequest {
  method: string;
  /** The object as a person would name it: `Deployment sovereign-omantel/billing`. */
  target: string;
}

/** An error answer of an API server, or the reason why no answer came. `status` is 0 when no answer came. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly status: number;
  /** The reason of the Status: `NotFound`, `Conflict`, `Invalid`, …; `Unreachable` when no answer came. */
  readonly reason: string;
  /** Causes of an `Invalid` or denied write. */
  readonly causes: readonly { reason?: string; message?: string; field?: string }[];
  readonly retryAfterMs: number | undefined;
  /** The request that failed. Undefined for an error that a stream reported. */
  readonly request: FailedRequest | undefined;
  /** The server's own message, without the request. */
  readonly serverMessage: string;

  constructor(
    message: string,
    details: {
      status: number;
      reason: string;
      causes?: KubeError["causes"];
      retryAfterMs?: number | undefined;
      request?: FailedRequest;
      serverMessage?: string | undefined;
      cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.status = details.status;
    this.reason = details.reason;
    this.causes = details.causes ?? [];
    this.retryAfterMs = details.retryAfterMs;
    this.request = details.request;
    this.serverMessage = details.serverMessage ?? message;
  }
}

/** The members of a Status, as far as they have the expected form. Some servers are run by others, and may send anything. */
interface StatusBody {
  message: string | undefined;
  reason: string;
  causes: KubeError["causes"];
  retryAfterMs: number | undefined;
}

/** The error for a non-2xx answer. `retryAfter` is the Retry-After header, in seconds. */
export function kubeErrorOf(
  { path, ...request }: FailedRequest & { path: string },
  status: number,
  body: string,
  retryAfter: string | undefined,
): KubeError {
  const { message = `status ${status}`, ...parsed } = statusBodyOf(parseOrUndefined(body));
  const seconds = Number(retryAfter ?? Number.NaN);
  const headerMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  return new KubeError(`${request.method} ${path}: ${message}`, {
    ...{ request, status, ...parsed, serverMessage: message },
    retryAfterMs: parsed.retryAfterMs ?? headerMs,
  });
}

/** The error for a Status that a watch sends instead of an object. */
export function watchErrorOf(status: unknown): KubeError {
  const { message = "watch error", ...parsed } = statusBodyOf(status);
  const { code } = mapOf(status);
  return new KubeError(message, { ...parsed, status: typeof code === "number" ? code : 500 });
}

function statusBodyOf(value: unknown): StatusBody {
  const status = mapOf(value);
  const details = mapOf(status.details);
  const { retryAfterSeconds: seconds } = details;
  return {
    message: typeof status.message === "string" ? status.message : undefined,
    reason: typeof status.reason === "string" ? status.reason : "Unknown",
    causes: listOf(details.causes).filter(isMap).map(causeOf),
    retryAfterMs: typeof seconds === "number" ? seconds * 1000 : undefined,
  };
}

const causeOf = (cause: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    ["reason", "message", "field"].flatMap((name) => {
      const text = cause[name];
      return typeof text === "string" ? [[name, text]] : [];
    }),
  );

function parseOrUndefined(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const hasReason = (reason: string) => (error: unknown) =>
  error instanceof KubeError && error.reason === reason;
const hasStatus = (status: number) => (error: unknown) =>
  error instanceof KubeError && error.status === status;

export const isNotFound = hasStatus(404);
export const isConflict = hasReason("Conflict");
export const isAlreadyExists = hasReason("AlreadyExists");
export const isInvalid = hasReason("Invalid");
export const isForbidden = hasStatus(403);
export const isUnauthorized = hasStatus(401);
export const isTooManyRequests = hasStatus(429);
/** The fault affects every request, not only this one: no answer, a server error, or too many requests. */
export const isServerUnavailable = (error: unknown): boolean =>
  isUnreachable(error) || isTooManyRequests(error) || (error instanceof KubeError && error.status >= 500);
/** The server refuses the content of this write, or the right to it. It may still accept writes of other objects. */
export const isRefused = (error: unknown): boolean =>
  error instanceof KubeError && REFUSED_STATUSES.includes(error.status);
const REFUSED_STATUSES: readonly number[] = [400, 403, 413, 422];
/** The server has compacted the position of a list or watch. */
export const isGone = hasStatus(410);
/** No answer came: the connection was refused or reset, or timed out. A write may have happened. */
export const isUnreachable = hasReason("Unreachable");
