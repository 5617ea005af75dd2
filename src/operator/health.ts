import type { RequestListener } from "node:http";

/** Answers `/healthz`, `/readyz` and `/metrics`. */
export function createHealthHandler(deps: {
  /** The reason for the answer when the operator is not ready; undefined when it is ready. */
  unreadyReason: () => string | undefined;
  /** The age of the caches, appended to the answer of a ready operator. */
  describeCaches: () => string;
  /** The metrics in Prometheus' text format. */
  metrics: () => Promise<string>;
}): RequestListener {
  return async (request, response) => {
    const send = (status: number, body: string, contentType = "text/plain") => {
      response.writeHead(status, { "content-type": contentType });
      response.end(body);
    };
    const sendReadiness = (reason: string | undefined) =>
      reason === undefined ? send(200, `ok\n${deps.describeCaches()}`) : send(503, `not ready: ${reason}\n`);
    switch (request.url?.split("?")[0]) {
      case "/healthz":
        return send(200, "ok\n");
      case "/readyz":
        return sendReadiness(deps.unreadyReason());
      case "/metrics":
        return send(200, await deps.metrics(), "text/plain; version=0.0.4");
      default:
        return send(404, "not found\n");
    }
  };
}
