import { freshToken } from "./session.js";
import { text } from "./view.js";

/** A problem that the service answered (RFC 9457). Status 0: the service did not answer. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
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
 * Sends a request with the signed-in user's token. Returns the body, and the address of a list's next page.
 * @param {string} path
 * @param {{ method?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} [options]
 * @returns {Promise<{ body: any, next: string | undefined }>}
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
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return { body: answer, next: nextOf(response) };
  if (response.status === 401) onRefused();
  throw new ApiError(response.status, answer.detail ?? text.unreachable);
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
