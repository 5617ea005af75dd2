import http from "node:http";
import { describe, expect, it } from "vitest";
import { startHttpServer } from "../../../src/platform/http-server.ts";
import { sleep } from "../../../src/platform/shutdown.ts";

describe("HTTP server", () => {
  it("names a taken port by its error code", async () => {
    const first = await startHttpServer({
      handler: (_, response) => response.end(),
      host: "127.0.0.1",
      port: 0,
    });
    await expect(
      startHttpServer({ handler: (_, response) => response.end(), host: "127.0.0.1", port: first.port }),
    ).rejects.toMatchObject({ code: "EADDRINUSE" });
    await first.close();
  });

  it("lets an answer under way finish when it closes, and says Connection: close", async () => {
    const started = Promise.withResolvers<void>();
    const running = await startHttpServer({
      host: "127.0.0.1",
      port: 0,
      handler: async (_, response) => {
        started.resolve();
        await sleep(50);
        response.end("whole");
      },
    });
    const answer = fetch(running.origin);
    await started.promise;
    const closed = running.close();
    expect(await (await answer).text()).toBe("whole");
    await closed;
    await expect(fetch(running.origin)).rejects.toThrow();
  });

  it("cuts what does not finish within the drain time", async () => {
    const started = Promise.withResolvers<void>();
    const running = await startHttpServer({ host: "127.0.0.1", port: 0, handler: () => started.resolve() });
    const hanging = new Promise((resolve) => http.get(running.origin).on("error", resolve));
    await started.promise;
    await running.close(20);
    expect(await hanging).toMatchObject({ code: "ECONNRESET" });
  });
});
