import { afterEach, describe, expect, it } from "vitest";
import { createHealthHandler } from "../../../src/operator/health.ts";
import { type RunningHttpServer, startHttpServer } from "../../../src/platform/http-server.ts";

let server: RunningHttpServer | undefined;
afterEach(() => server?.close(0));

async function ask(path: string, isReady: boolean): Promise<[number, string | null, string]> {
  server = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    handler: createHealthHandler({
      isReady: () => isReady,
      describeCaches: () => "caches: 3 s\n",
      metrics: async () => "up 1\n",
    }),
  });
  const answer = await fetch(`${server.origin}${path}`);
  return [answer.status, answer.headers.get("content-type"), await answer.text()];
}

describe("createHealthHandler", () => {
  it.each([
    ["/healthz", false, 200, "text/plain", "ok\n"],
    ["/readyz", true, 200, "text/plain", "ok\ncaches: 3 s\n"],
    ["/readyz?verbose", true, 200, "text/plain", "ok\ncaches: 3 s\n"],
    [
      "/readyz",
      false,
      503,
      "text/plain",
      "not ready: the caches are not synced, the CA is not published, or the process is shutting down\n",
    ],
    ["/metrics", false, 200, "text/plain; version=0.0.4", "up 1\n"],
    ["/", true, 404, "text/plain", "not found\n"],
    ["/readyz/", true, 404, "text/plain", "not found\n"],
  ])("answers %s with readiness %s by status %i", async (path, isReady, status, type, body) => {
    expect(await ask(path, isReady)).toEqual([status, type, body]);
  });
});
