import { FetchError } from "../../platform/bounded-fetch.ts";
import { getPlain } from "../../platform/plain-get.ts";

/** The histogram in observation.ts. The operator reads its counts while a release rolls out. */
export const REQUEST_DURATION = "catalyst_billing_http_request_duration_seconds";

/** Endpoints that machines call every few seconds. Their answers do not show how customers' requests are answered. */
export const PROBE_ROUTES: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);

/** The numbers of requests that a process has answered since it started. */
export interface RequestCount {
  /** Identifies the process: its counts begin at zero again after a restart. */
  process: string;
  requests: number;
  /** How many of them were answered with a 5xx status. */
  serverErrors: number;
}

const TIMEOUT_MS = 3_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Reads /metrics of the billing process at this address, such as `http://10.0.0.7:8085`. Throws `FetchError`, or an error that
 * names the missing part of the answer.
 */
export async function readRequestCount(baseUrl: string, signal: AbortSignal): Promise<RequestCount> {
  const bounds = { timeoutMs: TIMEOUT_MS, signal, maxBytes: MAX_ANSWER_BYTES };
  const answer = await getPlain(`${baseUrl}/metrics`, bounds);
  if (answer.status !== 200)
    throw new FetchError("status_unexpected", `${answer.request} answered ${answer.status}`);
  return parseRequestCount(Buffer.from(answer.body).toString("utf8"));
}

const START = /^process_start_time_seconds (\S+)$/m;
/** A route is a path template, so a label may contain braces. */
const COUNT = new RegExp(`^${REQUEST_DURATION}_count\\{(.*)\\} (\\S+)$`, "gm");

/** `text` is in the exposition format of Prometheus. */
export function parseRequestCount(text: string): RequestCount {
  const started = START.exec(text)?.[1];
  if (started === undefined || !text.includes(`# TYPE ${REQUEST_DURATION} histogram`))
    throw new Error(
      `/metrics lacks process_start_time_seconds or ${REQUEST_DURATION}: is this a billing service?`,
    );
  const count: RequestCount = { process: started, requests: 0, serverErrors: 0 };
  for (const [, labels = "", value] of text.matchAll(COUNT)) {
    const requests = Number(value);
    if (!Number.isSafeInteger(requests) || requests < 0)
      throw new Error(`/metrics counts ${value?.slice(0, 32)} requests: expected a whole number`);
    if (PROBE_ROUTES.has(labelOf(labels, "route"))) continue;
    count.requests += requests;
    if (labelOf(labels, "status").startsWith("5")) count.serverErrors += requests;
  }
  return count;
}

const labelOf = (labels: string, name: string): string =>
  new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
