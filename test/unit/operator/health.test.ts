import { afterEach, describe, expect, it } from "vitest";
import { createHealthHandler } from "../../../src/operator/health.ts";
import { type RunningHttpServer, startHttpServer } from "../../../src/platform/http-server.ts";

let server: RunningHttpServer | undefined;
afterEach(() => server?.close(0));

async function ask(path: string, reason: string | undefined): Promise<[number, string | null, string]> {
  server = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    handler: createHealthHandler({
      unreadyReason: () => reason,
      describeCaches: () => "caches: 3 s\n",
      metrics: async () => "up 1\n",
    }),
  });
  const answer = await fetch(`${server.origin}${path}`);
  return [answer.status, answer.headers.get("content-type"), await answer.text()];
}

describe("createHealthHandler", () => {
  it.each([
    ["/healthz", "it is starting", 200, "text/plain", "ok\n"],
    ["/readyz", undefined, 200, "text/plain", "ok\ncaches: 3 s\n"],
    ["/readyz?verbose", undefined, 200, "text/plain", "ok\ncaches: 3 s\n"],
    ["/readyz", "it is starting", 503, "text/plain", "not ready: it is starting\n"],
    ["/metrics", "it is starting", 200, "text/plain; version=0.0.4", "up 1\n"],
    ["/", undefined, 404, "text/plain", "not found\n"],
    ["/readyz/", undefined, 404, "text/plain", "not found\n"],
  ])(
    "answers %s while the reason not to be ready is %s, by status %i",
    async (path, reason, status, type, body) => {
      expect(await ask(path, reason)).toEqual([status, type, body]);
    },
  );
});
