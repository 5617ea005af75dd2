import { get, type IncomingMessage } from "node:http";
import {
  addressOf,
  FetchError,
  fetchErrorOf,
  jsonOf,
  type PlainAnswer,
  readAtMost,
} from "./bounded-fetch.ts";
import { createDeadline } from "./deadline.ts";

interface Bounds {
  timeoutMs: number;
  signal: AbortSignal;
  maxBytes: number;
}

/** As `getPlain`, of a JSON document. A status other than 2xx is an error. */
export async function getPlainJson(url: string, bounds: Bounds): Promise<unknown> {
  return jsonOf(await getPlain(url, bounds));
}

/**
 * GET from an address in the cluster, without TLS, over a connection of its own. Follows no redirect, and returns an answer of
 * any status. With `fetch`, a request for a small document to an address without an open connection takes 3.1 to 3.9 ms of
 * processor time, and with this 1.3 to 1.5 ms. Throws `FetchError`.
 */
export async function getPlain(url: string, { timeoutMs, signal, maxBytes }: Bounds): Promise<PlainAnswer> {
  const request = `GET ${addressOf(url)}`;
  const deadline = createDeadline(timeoutMs, signal);
  try {
    const response = await answerOf(url, deadline.signal);
    const tooLarge = () =>
      new FetchError("body_too_large", `${request} answered more than ${maxBytes} bytes`);
    const body = await readAtMost(response, maxBytes, tooLarge);
    return { request, status: response.statusCode ?? 0, body };
  } catch (error) {
    throw fetchErrorOf(error, request, deadline.signal);
  } finally {
    deadline.end();
  }
}

const answerOf = (url: string, signal: AbortSignal) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent: false, signal }, resolve).on("error", reject);
  });
