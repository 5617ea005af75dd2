import { once } from "node:events";
import http from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { startHttpServer } from "../../../src/platform/http-server.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import { eventually } from "../../support/wait.ts";

describe("HTTP server", () => {
  it("listens on IPv4 and IPv6 when no address is named", async () => {
    const { port, close } = await startHttpServer({
      handler: (_, response) => response.end("here"),
      host: undefined,
      port: 0,
    });
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const hasIpv6 = addresses.some(({ address }) => address === "::1");
    const asked = ["127.0.0.1", ...(hasIpv6 ? ["[::1]"] : [])];
    const answers = asked.map(async (host) => (await fetch(`http://${host}:${port}/`)).text());
    expect(await Promise.all(answers)).toEqual(asked.map(() => "here"));
    await close(0);
  });

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

  it("serves old and new connections with Connection: close while it drains, and refuses connections afterwards", async () => {
    const running = await startHttpServer({
      host: "127.0.0.1",
      port: 0,
      handler: (_, response) => response.end("served"),
    });
    const ask = () =>
      new Promise<http.IncomingMessage>((resolve, reject) =>
        http
          .get(running.origin, { agent: new http.Agent({ keepAlive: true }) }, (answer) =>
            resolve(answer.resume()),
          )
          .on("error", reject),
      );
    expect((await ask()).headers.connection).toBe("keep-alive");
    const startedAt = performance.now();
    running.drain();
    while (performance.now() - startedAt < 250) {
      const answer = await ask();
      expect([answer.statusCode, answer.headers.connection]).toEqual([200, "close"]);
      await sleep(10);
    }
    await running.close();
    await expect(ask()).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("closes connections whose answer does not finish in time", async () => {
    const started = Promise.withResolvers<void>();
    const running = await startHttpServer({ host: "127.0.0.1", port: 0, handler: () => started.resolve() });
    const hanging = new Promise((resolve) => http.get(running.origin).on("error", resolve));
    await started.promise;
    await running.close(20);
    expect(await hanging).toMatchObject({ code: "ECONNRESET" });
  });

  it("closes connections beyond its bound at once, and takes new ones when others have gone", async () => {
    const limits = { requestMs: 60_000, connections: 2 };
    const running = await startHttpServer({
      host: "127.0.0.1",
      port: 0,
      handler: (_, response) => response.end(),
      limits,
    });
    const open = () => {
      const socket = connect(running.port, "127.0.0.1");
      socket.on("error", () => {});
      return { socket, closed: once(socket, "close") };
    };
    const held = [open(), open()];
    await Promise.all(held.map(({ socket }) => once(socket, "connect")));
    await open().closed;
    held[0]?.socket.destroy();
    await eventually(async () =>
      expect(
        await fetch(running.origin).then(
          ({ status }) => status,
          () => 0,
        ),
      ).toBe(200),
    );
    held[1]?.socket.destroy();
    await running.close();
  });

  it("answers with Connection: close while it drains", async () => {
    const running = await startHttpServer({
      host: "127.0.0.1",
      port: 0,
      handler: (_, response) => response.end(),
    });
    const connection = async () => (await fetch(running.origin)).headers.get("connection");
    expect(await connection()).toBe("keep-alive");
    running.drain();
    expect(await connection()).toBe("close");
    await running.close();
  });
});
