import { freshToken } from "./session.js";
import { fill, formatBaisa, notify, text } from "./view.js";

/** A problem that the service answered (RFC 9457). Status 0: the service did not answer. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {string} [code]
   * @param {any} [voucher] The voucher as it is, when another one was expected.
   */
  constructor(status, message, code, voucher) {
    super(message);
    this.status = status;
    this.code = code;
    this.voucher = voucher;
  }
}

let onRefused = () => {};

/**
 * Sets what happens when the service no longer accepts the token.
 * @param {() => void} handler
 */
export const whenRefused = (handler) => {
  onRefused = handler;
};

/**
 * Sends a request with the signed-in user's token. Returns the body, the address of a list's next page, and the voucher's tag.
 * @param {string} path
 * @param {{ method?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} [options]
 * @returns {Promise<{ body: any, next: string | undefined, tag: string | null }>}
 */
export async function ask(path, { method = "GET", body, headers = {}, signal } = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${await freshToken()}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      credentials: "omit",
      ...(signal === undefined ? {} : { signal }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, text.unreachable);
  }
  if (response.ok && response.headers.get("content-type")?.startsWith("text/csv"))
    return { body: await response.blob(), next: undefined, tag: null };
  const answer = await response.json().catch((error) => {
    if (isAbort(error)) throw error;
    // The connection ended before the answer did.
    if (response.ok) throw new ApiError(0, text.unreachable);
    return {};
  });
  if (response.ok) return { body: answer, next: nextOf(response), tag: response.headers.get("etag") };
  if (response.status === 401) onRefused();
  throw new ApiError(response.status, describe(answer), answer.code, answer.voucher);
}

/**
 * The header for a change of a voucher whose state has this tag. A proxy may remove the tag. A change could then meet another
 * state than the one that the person saw, so there is none.
 * @param {string | null} tag
 */
export function ifMatch(tag) {
  if (tag === null) throw new ApiError(0, text.untagged);
  return { "if-match": tag };
}

/**
 * The problem in the page's language: by field where the service names one, otherwise by code.
 * @param {{ code?: string, errors?: { field: string }[], voucher?: { credit_omr: number, description: string } }} problem
 */
function describe({ code, errors = [], voucher }) {
  const fields = /** @type {Record<string, { label: string, rule: string }>} */ (text.fields);
  const problems = /** @type {Record<string, string>} */ (text.problems);
  const named = errors.flatMap(({ field }) => fields[field.replace("/", "")] ?? []);
  if (code === undefined) return text.unreachable;
  const general = fill(problems[code] ?? text.failed, {
    code,
    voucher:
      voucher === undefined
        ? ""
        : [formatBaisa(voucher.credit_omr * 1000), voucher.description].filter(Boolean).join(", "),
  });
  // A grant is exceeded by a correct value, so its field alone is named.
  if (code === "grant_exceeded") return named.map(({ label }) => `${label}: ${general}`)[0] ?? general;
  return named.length === 0 ? general : named.map(({ label, rule }) => `${label}: ${rule}.`).join("\n");
}

/**
 * A link is relative to the requested address.
 * @param {Response} response
 */
function nextOf({ headers, url }) {
  const next = /<([^>]*)>;\s*rel="next"/.exec(headers.get("link") ?? "")?.[1];
  return next === undefined ? undefined : new URL(next, url).href;
}

/** @param {unknown} error */
export const isAbort = (error) => error instanceof Error && error.name === "AbortError";

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * Shows what failed, unless a later request ended this one.
 * @param {unknown} error
 */
export function report(error) {
  if (!isAbort(error)) notify(messageOf(error));
}
