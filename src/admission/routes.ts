import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { Counter, Histogram, type Registry } from "../platform/metrics.ts";
import { SemaphoreFull } from "../platform/semaphore.ts";
import { createDenialLog } from "./denial-log.ts";
import { MalformedReview, parseReview, type Reviewer } from "./review.ts";
import { reviewAnswer } from "./review-answer.ts";
import { afterArrivals, BodyTooLarge, ClientLeft, createBodyBudget, readReview } from "./review-body.ts";
import { createReviewDeadline, DeadlineExceeded } from "./review-deadline.ts";
import { NAMESPACE_SELECTIONS, type NamespaceSelection } from "./rules/request.ts";

const ADMISSION_PATH = "/admit";
/** The path of a webhook names the namespaces that it selects: `/admit/ordinary`, or `/admit` for cluster scope. */
export const admissionPath = (selected?: NamespaceSelection): string =>
  selected === undefined ? ADMISSION_PATH : `${ADMISSION_PATH}/${selected}`;
const SELECTIONS = new Map([undefined, ...NAMESPACE_SELECTIONS].map((it) => [admissionPath(it), it]));

/** Shorter than the webhook's `timeoutSeconds`, so that the API server receives an answer with a reason. */
const DEADLINE_MS = 8_000;

/**
 * Answers `POST /admit` and the paths below it. A denial has status 200. A fault of the operator has status 500, and the API
 * server then denies the request.
 */
export function createWebhookHandler(deps: {
  review: Reviewer;
  /** The page that denials link to. It has a section for each rule. */
  docsUrl: string;
  logger: Logger;
  registry: Registry;
  deadlineMs?: number;
}): RequestListener {
  const { review, docsUrl, logger, registry, deadlineMs = DEADLINE_MS } = deps;
  const bodies = createBodyBudget();
  const withinDeadline = createReviewDeadline(deadlineMs);
  const logDenial = createDenialLog(logger);
  const answered = new Counter({
    name: "catalyst_admission_requests_total",
    help: "Admission requests by resource, operation and answer. rule is the first rule that denied the request.",
    labelNames: ["resource", "operation", "allowed", "rule"],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: "catalyst_admission_duration_seconds",
    help: "Time from an admission request to its answer, in seconds.",
    labelNames: ["allowed"],
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
    registers: [registry],
  });

  async function judge(
    request: IncomingMessage,
    selected: NamespaceSelection | undefined,
    signal: () => AbortSignal,
  ) {
    const { uid, input } = parseReview(await readReview(request), selected);
    return { uid, input, verdict: await review(input, signal) };
  }

  /**
   * The text of the answer. Returns only the text: while an answer waits to be sent, the review, which is ten times as
   * large, must not stay in memory.
   */
  async function answerText(request: IncomingMessage, path: string): Promise<string> {
    const startedAt = performance.now();
    const { uid, input, verdict } = await withinDeadline((signal) =>
      bodies.run(request, () => judge(request, SELECTIONS.get(path), signal), signal),
    );
    const { violations } = verdict;
    const allowed = String(violations.length === 0);
    const { resource, operation } = input;
    answered.inc({ resource, operation, allowed, rule: violations[0]?.rule ?? "" });
    seconds.observe({ allowed }, (performance.now() - startedAt) / 1000);
    if (violations.length > 0) logDenial(input, violations);
    return JSON.stringify(reviewAnswer(uid, verdict, docsUrl));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ""] = (request.url ?? "").split("?");
    if (!SELECTIONS.has(path)) return sendError(response, 404, "not found");
    if (request.method !== "POST") return sendError(response, 405, "send an AdmissionReview with POST");
    try {
      const text = await answerText(request, path);
      await afterArrivals();
      send(response, 200, text);
    } catch (error) {
      const { status, problem } = refusalOf(error);
      // Otherwise the rest of the body would have to be read before the next request.
      if (!request.complete) response.setHeader("connection", "close");
      sendError(response, status, problem);
    }
  }

  function refusalOf(error: unknown): { status: number; problem: string } {
    if (error instanceof BodyTooLarge) return { status: 413, problem: error.message };
    if (error instanceof ClientLeft || error instanceof MalformedReview || error instanceof SyntaxError)
      return { status: 400, problem: errorMessage(error) };
    if (error instanceof DeadlineExceeded || error instanceof SemaphoreFull) {
      logger.warn({ error: error.message }, "a review was not finished");
      return { status: 503, problem: `${error.message}: try again` };
    }
    logger.error({ error: errorMessage(error), stack: (error as Error).stack }, "the review failed");
    return { status: 500, problem: "the review failed; see the operator's log" };
  }

  return (request, response) => void answer(request, response).catch(() => response.destroy());
}

const sendError = (response: ServerResponse, status: number, error: string): void =>
  send(response, status, JSON.stringify({ error }));

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}
