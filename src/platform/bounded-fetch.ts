import { createDeadline } from "./deadline.ts";
import { errorMessage } from "./errors.ts";

type Fetch = typeof fetch;

type FetchErrorCode =
  | "unreachable"
  | "timed_out"
  | "aborted"
  | "redirect_refused"
  | "body_too_large"
  | "status_unexpected"
  | "body_not_json";

/**
 * The other service did not answer, or its answer breaks a bound. The message names the method, the address and the bound.
 */
export class FetchError extends Error {
  override readonly name = "FetchError";
  readonly code: FetchErrorCode;

  constructor(code: FetchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A request without a deadline does not compile, because it could wait without end. */
type Deadline =
  | {
      /** The limit for the whole exchange, with redirects and the body. */
      timeoutMs: number;
      /** Ends the exchange early; `timed_out` when its reason is a timeout, otherwise `aborted`. */
      signal?: AbortSignal;
    }
  | {
      timeoutMs?: never;
      /** Carries the caller's own deadline. */
      signal: AbortSignal;
    };

export type BoundedRequest = Deadline & {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** The size of the largest accepted body, after decompression. */
  maxBytes: number;
  /** Absent: a redirect is an error. `Authorization` goes to the first address only. For requests without a body. */
  follow?: { maxRedirects: number; isAllowed(target: URL): boolean };
  /** True: the body is read for every status. Otherwise only a 2xx answer's body is read. */
  readsErrorBody?: boolean;
  /** Absent: the runtime's own `fetch`. */
  fetch?: Fetch;
};

export interface PlainAnswer {
  /** `GET http://catalog/plans`, for messages; without the query. */
  request: string;
  status: number;
  body: Uint8Array;
}

export interface BoundedAnswer extends PlainAnswer {
  headers: Headers;
  isRedirected: boolean;
}

const REDIRECT_STATUSES = [301, 302, 303, 307, 308];

/**
 * One HTTP exchange with another service. A deadline, a largest size and a rule for redirects bound the time and the memory
 * that a slow or hostile service can cost. Returns an answer of any status. Throws `FetchError`.
 */
export async function boundedFetch(url: string, options: BoundedRequest): Promise<BoundedAnswer> {
  const { method = "GET", body, maxBytes, follow, readsErrorBody = false } = options;
  const send = options.fetch ?? fetch;
  const { signal, end } = deadlineOf(options);
  let { headers = {} } = options;
  let target = url;
  try {
    for (let redirects = 0; ; redirects += 1) {
      const response = await send(target, {
        method,
        headers,
        redirect: "manual",
        ...(body === undefined ? {} : { body }),
        signal,
      });
      const request = `${method} ${addressOf(target)}`;
      if (!REDIRECT_STATUSES.includes(response.status)) {
        const isWanted = response.ok || readsErrorBody;
        const tooLarge = () =>
          new FetchError("body_too_large", `${request} answered more than ${maxBytes} bytes`);
        if (!isWanted) await discard(response);
        return {
          request,
          status: response.status,
          headers: response.headers,
          isRedirected: redirects > 0,
          body: isWanted ? await readAtMost(response.body ?? [], maxBytes, tooLarge) : new Uint8Array(),
        };
      }
      await discard(response);
      target = nextTarget(response, target, redirects, follow, request);
      headers = withoutAuthorization(headers);
    }
  } catch (error) {
    throw fetchErrorOf(error, `${method} ${addressOf(target)}`, signal);
  } finally {
    end();
  }
}

/** The JSON of a 2xx answer. Throws `status_unexpected` or `body_not_json`. */
export function jsonOf({ request, status, body }: PlainAnswer): unknown {
  if (status < 200 || status > 299)
    throw new FetchError("status_unexpected", `${request} answered ${status}`);
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch (cause) {
    throw new FetchError("body_not_json", `${request} answered a body that is not JSON`, { cause });
  }
}

function deadlineOf({ signal, timeoutMs }: BoundedRequest): { signal: AbortSignal; end(): void } {
  return timeoutMs === undefined ? { signal, end: () => undefined } : createDeadline(timeoutMs, signal);
}

function nextTarget(
  response: Response,
  from: string,
  redirects: number,
  follow: BoundedRequest["follow"],
  request: string,
): string {
  const next = URL.parse(response.headers.get("location") ?? "", from);
  if (next !== null && follow !== undefined && redirects < follow.maxRedirects && follow.isAllowed(next))
    return next.href;
  const where = next === null ? "an address that is not a URL" : next.origin;
  throw new FetchError("redirect_refused", `${request} redirects to ${where}: this redirect is not followed`);
}

function withoutAuthorization(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^authorization$/i.test(name)));
}

/** Cancels the body, so that the connection is free again. A body that fails while it is cancelled no longer matters. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/** The bytes of a body. Rejects with `tooLarge` when there are more than `maxBytes`, and does not read the rest. */
export async function readAtMost(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
  tooLarge: () => Error,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of body) {
    byteCount += chunk.byteLength;
    // Leaving the loop cancels the rest of the body, and ends its connection.
    if (byteCount > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function fetchErrorOf(error: unknown, request: string, signal: AbortSignal): FetchError {
  if (error instanceof FetchError) return error;
  if (signal.aborted) {
    return signal.reason instanceof DOMException && signal.reason.name === "TimeoutError"
      ? new FetchError("timed_out", `${request} did not answer in time`, { cause: error })
      : new FetchError("aborted", `${request} was aborted`, { cause: error });
  }
  // `fetch` says only "fetch failed"; the reason is in its cause.
  const reason = errorMessage((error as { cause?: unknown } | null)?.cause ?? error);
  return new FetchError("unreachable", `${request} failed: ${reason}`, { cause: error });
}

/** An address as messages show it: a query may hold personal data. */
export function addressOf(url: string): string {
  const { origin, pathname } = URL.parse(url) ?? {};
  return origin === undefined ? "an address that is not a URL" : `${origin}${pathname}`;
}
