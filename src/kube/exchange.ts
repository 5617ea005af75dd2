import { setTimeout as delay } from "node:timers/promises";
import { type Dispatcher, request } from "undici";
import { readAtMost } from "../platform/bounded-fetch.ts";
import { createDeadline } from "../platform/deadline.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Connection } from "./connection.ts";
import { isUnauthorized, isUnreachable, KubeError, kubeErrorOf } from "./error.ts";
import { targetOf } from "./resource.ts";

const JSON_TYPE = "application/json";
const REQUEST_TIMEOUT_MS = 30_000;
/** The most attempts of one call. */
const MAX_ATTEMPTS = 4;
const MAX_RETRY_AFTER_MS = 10_000;

export interface RawRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Absolute path on the server. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  contentType?: string;
  /** The Accept header. Default: JSON. */
  accept?: string | undefined;
  signal?: AbortSignal;
}

/** Sends one request. Resolves with a 2xx answer before its body is read; throws `KubeError`s. */
export async function openExchange(
  connection: Connection,
  userAgent: string,
  raw: RawRequest & { signal: AbortSignal },
): Promise<Dispatcher.ResponseData> {
  const { method, path, query = {}, body, contentType = JSON_TYPE, accept = JSON_TYPE, signal } = raw;
  const url = new URL(path, connection.server);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value));
  try {
    const { headers, dispatcher } = await connection.authenticate();
    const response = await request(url, {
      method,
      dispatcher,
      headers: {
        ...headers,
        accept,
        "user-agent": userAgent,
        ...(body === undefined ? {} : { "content-type": contentType }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: REQUEST_TIMEOUT_MS,
      signal,
    });
    if (response.statusCode < 300) return response;
    const { statusCode } = response;
    const text = await textOf(response.body, connection.maxAnswerBytes);
    const failed = { method, path, target: targetOf(path, body) };
    throw kubeErrorOf(failed, statusCode, text, headerOf(response, "retry-after"));
  } catch (error) {
    throw error instanceof KubeError || signal.aborted
      ? error
      : unreachable(raw, `${url.origin}: ${errorMessage(error)}`, error);
  }
}

/** Whether this process leads. Once the lease is lost, a client that was given this no longer writes. */
export interface Leadership {
  /** Called before each attempt, so that it also stops a process that was frozen past the end of its lease. */
  mayWrite(): boolean;
  /** Aborts a write that is under way, as far as possible. */
  lost: AbortSignal;
}

/**
 * Makes calls. Each attempt ends within 30 seconds. A failed call throws a `KubeError`, or the abort reason of the caller.
 * A call that the server asks to repeat is repeated when a repeat cannot do the work twice. A read is also repeated once
 * after a connection reset, and any call once after a new token was read.
 */
export function createCall(connection: Connection, userAgent: string, leadership?: Leadership) {
  async function exchange<T>(raw: RawRequest): Promise<T> {
    const deadline = createDeadline(REQUEST_TIMEOUT_MS, raw.signal);
    try {
      const response = await openExchange(connection, userAgent, { ...raw, signal: deadline.signal });
      const text = await textOf(response.body, connection.maxAnswerBytes);
      return parse<T>(raw, response.statusCode, text);
    } catch (error) {
      if (raw.signal?.aborted || error instanceof KubeError) throw error;
      throw unreachable(
        raw,
        deadline.isOver()
          ? `${connection.server}: no answer within ${REQUEST_TIMEOUT_MS / 1_000} s`
          : errorMessage(error),
        error,
      );
    } finally {
      deadline.end();
    }
  }

  async function repeat<T>(raw: RawRequest, mayTry: () => void): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      mayTry();
      try {
        return await exchange<T>(raw);
      } catch (error) {
        const pauseMs = attempt < MAX_ATTEMPTS ? pauseBeforeRetry(raw, error, attempt) : undefined;
        if (pauseMs === undefined) throw error;
        await delay(pauseMs, undefined, raw.signal === undefined ? {} : { signal: raw.signal });
      }
    }
  }

  return async function call<T>(raw: RawRequest): Promise<T> {
    if (leadership === undefined || raw.method === "GET") return repeat<T>(raw, () => {});
    const { mayWrite, lost } = leadership;
    const signal = raw.signal === undefined ? lost : AbortSignal.any([raw.signal, lost]);
    try {
      return await repeat<T>({ ...raw, signal }, () => {
        if (lost.aborted || !mayWrite()) throw notLeading(raw);
      });
    } catch (error) {
      throw lost.aborted && !(error instanceof KubeError) ? notLeading(raw, error) : error;
    }
  };

  function pauseBeforeRetry({ method, signal }: RawRequest, error: unknown, attempt: number) {
    if (!(error instanceof KubeError) || signal?.aborted) return undefined;
    if (isUnauthorized(error)) return attempt === 1 && connection.renewToken() ? 0 : undefined;
    // The server closed an idle connection just as it was used. A read can be repeated.
    if (isUnreachable(error)) return attempt === 1 && method === "GET" && isReset(error) ? 0 : undefined;
    // After 429, nothing was done. After 5xx, something may have been done, so a create is not repeated.
    const isSafe = error.status === 429 || (error.status >= 500 && method !== "POST");
    if (!isSafe || error.retryAfterMs === undefined) return undefined;
    // All clients receive the same Retry-After, so up to a tenth is added at random.
    return Math.min(error.retryAfterMs, MAX_RETRY_AFTER_MS) * (1 + Math.random() / 10);
  }
}

async function textOf(body: Dispatcher.ResponseData["body"], maxBytes: number | undefined): Promise<string> {
  if (maxBytes === undefined) return body.text();
  const tooLarge = () => new Error(`the answer is longer than ${maxBytes} bytes`);
  return (await readAtMost(body as AsyncIterable<Uint8Array>, maxBytes, tooLarge)).toString("utf8");
}

function parse<T>({ method, path }: RawRequest, status: number, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new KubeError(`${method} ${path}: the answer is not valid JSON`, {
      status,
      reason: "Unreadable",
      cause,
    });
  }
}

function unreachable({ method, path, body }: RawRequest, reason: string, cause: unknown): KubeError {
  return new KubeError(`${method} ${path}: ${reason}`, {
    ...{ status: 0, reason: "Unreachable", cause },
    request: { method, target: targetOf(path, body) },
    serverMessage: reason,
  });
}

function notLeading({ method, path }: RawRequest, cause?: unknown): KubeError {
  return new KubeError(`${method} ${path}: this process no longer leads`, {
    status: 0,
    reason: "NotLeading",
    cause,
  });
}

const RESET_CODES: readonly unknown[] = ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"];

function isReset({ cause }: KubeError): boolean {
  return RESET_CODES.includes((cause as { code?: string }).code);
}

function headerOf(response: Dispatcher.ResponseData, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
