import type Stripe from "stripe";
import { type BoundedAnswer, boundedFetch } from "../../platform/bounded-fetch.ts";
import { urlHost } from "../../platform/url-host.ts";

type HttpClient = NonNullable<Stripe.StripeConfig["httpClient"]>;

/** The largest answer is a session with its line, about 5 KB. */
const MAX_BYTES = 1024 * 1024;

/**
 * The HTTP client of Stripe's library, with a limit for the whole exchange: the library's own client only limits the time
 * between two bytes. It also reads an answer more strictly. A gateway in front of Stripe may answer in a form of its own, and
 * the library takes each JSON without `error` for success, whatever its status: a subscription would count as canceled. A
 * JSON that is no object would even end the process. All of these become answers that the library cannot read.
 */
export function createStripeHttpClient(): HttpClient {
  return {
    getClientName: () => "catalyst",
    async makeRequest(host, port, path, method, headers, requestData, protocol, timeoutMs) {
      const answer = await boundedFetch(`${protocol}://${urlHost(host)}:${port}${path}`, {
        method,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
        ...(requestData === "" ? {} : { body: requestData }),
        timeoutMs,
        maxBytes: MAX_BYTES,
        readsErrorBody: true,
      });
      return {
        getStatusCode: () => answer.status,
        getHeaders: () => Object.fromEntries(answer.headers),
        getRawResponse: () => ({}),
        toStream: () => undefined,
        toJSON: async () => readAnswer(answer),
      };
    },
  };
}

/** Every answer of Stripe that this service asks for is an object with an id, or has an error. */
function readAnswer({ request, status, body }: BoundedAnswer): unknown {
  const json = parseJson(Buffer.from(body).toString("utf8"));
  const { id, error } = (json ?? {}) as { id?: unknown; error?: unknown };
  const isOfStripe =
    status >= 200 && status <= 299 ? typeof id === "string" : typeof error === "object" && error !== null;
  if (!isOfStripe) throw new Error(`${request} answered ${status} in a form that is not Stripe's`);
  return json;
}

/** Undefined for a text that is no JSON. Its own error would quote the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
