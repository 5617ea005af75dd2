import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { Counter, Histogram, type Registry } from "../platform/metrics.ts";
import { MalformedReview, parseReview, type Reviewer } from "./review.ts";
import { reviewAnswer } from "./review-answer.ts";
import { NAMESPACE_SELECTIONS, type NamespaceSelection } from "./rules/request.ts";

const ADMISSION_PATH = "/admit";
/** The path of a webhook tells which namespaces it selects: `/admit/ordinary`, or `/admit` for cluster scope. */
export const admissionPath = (selected?: NamespaceSelection): string =>
  selected === undefined ? ADMISSION_PATH : `${ADMISSION_PATH}/${selected}`;
const SELECTIONS = new Map([undefined, ...NAMESPACE_SELECTIONS].map((it) => [admissionPath(it), it]));

/** Two objects of 3 MiB, which is the API server's limit, and the review around them. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Answers `POST /admit` and the paths below it. A denial has status 200. A fault of the operator has status 500, and the API server denies then. */
export function createWebhookHandler(deps: {
  review: Reviewer;
  /** Where denials link to: the page that has a section for each rule. */
  docsUrl: string;
  logger: Logger;
  registry: Registry;
}): RequestListener {
  const { review, docsUrl, logger, registry } = deps;
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

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ""] = (request.url ?? "").split("?");
    if (!SELECTIONS.has(path)) return send(response, 404, { error: "not found" });
    if (request.method !== "POST") return send(response, 405, { error: "send an AdmissionReview with POST" });
    const startedAt = performance.now();
    try {
      const { uid, input } = parseReview(await readJson(request), SELECTIONS.get(path));
      const verdict = await review(input);
      const { violations } = verdict;
      const allowed = String(violations.length === 0);
      answered.inc({
        resource: input.resource,
        operation: input.operation,
        allowed,
        rule: violations[0]?.rule ?? "",
      });
      seconds.observe({ allowed }, (performance.now() - startedAt) / 1000);
      if (violations.length > 0) {
        logger.info(
          {
            user: input.user.username,
            resource: input.resource,
            name: input.name,
            namespace: input.namespace,
            rules: violations.map(({ rule }) => rule),
          },
          "request denied",
        );
      }
      send(response, 200, reviewAnswer(uid, verdict, docsUrl));
    } catch (error) {
      if (error instanceof BodyTooLarge) return send(response, 413, { error: error.message });
      if (error instanceof MalformedReview || error instanceof SyntaxError)
        return send(response, 400, { error: errorMessage(error) });
      logger.error({ error: errorMessage(error), stack: (error as Error).stack }, "the review failed");
      send(response, 500, { error: "the review failed; see the operator's log" });
    }
  }

  return (request, response) => void answer(request, response).catch(() => response.destroy());
}

class BodyTooLarge extends Error {}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new BodyTooLarge(`the body exceeds ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}
