import { freshToken } from "./session.js";
import { text } from "./view.js";

/** A problem that the service answered (RFC 9457), or that it did not answer at all (status 0). */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let onRefused = () => {};

/** What to do when the service no longer takes the token. */
export const whenRefused = (handler) => {
  onRefused = handler;
};

/** Asks the service as who is signed in: the body of the answer, and the address of the next page of a list. */
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
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, text.unreachable);
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return { body: answer, next: nextOf(response) };
  if (response.status === 401) onRefused();
  throw new ApiError(response.status, answer.detail ?? text.unreachable);
}

/** A link is relative to the address that was asked. */
function nextOf({ headers, url }) {
  const next = /<([^>]*)>;\s*rel="next"/.exec(headers.get("link") ?? "")?.[1];
  return next === undefined ? undefined : new URL(next, url).href;
}
