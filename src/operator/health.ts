import type { RequestListener } from "node:http";

/** Answers `/healthz`, `/readyz` and `/metrics`. */
export function createHealthHandler(deps: {
  isReady: () => boolean;
  /** What is appended to the answer of a ready operator: how old its caches are. */
  describeCaches: () => string;
  /** The metrics in Prometheus' text format. */
  metrics: () => Promise<string>;
}): RequestListener {
  return async (request, response) => {
    const send = (status: number, body: string, contentType = "text/plain") => {
      response.writeHead(status, { "content-type": contentType });
      response.end(body);
    };
    switch (request.url?.split("?")[0]) {
      case "/healthz":
        return send(200, "ok\n");
      case "/readyz":
        return deps.isReady()
          ? send(200, `ok\n${deps.describeCaches()}`)
          : send(
              503,
              "not ready: the caches are not synced, the CA is not published, or the process is shutting down\n",
            );
      case "/metrics":
        return send(200, await deps.metrics(), "text/plain; version=0.0.4");
      default:
        return send(404, "not found\n");
    }
  };
}
