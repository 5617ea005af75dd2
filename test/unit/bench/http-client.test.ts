import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createHttpClient, type HttpClient, requestOf } from "../../bench/http-connection.ts";

const REQUEST = requestOf("GET", "/");

let server: Server;
let client: HttpClient;

afterEach(async () => {
  client.close();
  server.close();
  await once(server, "close");
});

/** Counts the connections that the server accepts. */
async function start(): Promise<() => number> {
  let count = 0;
  server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Length": 2 }).end("ok");
  });
  server.on("connection", () => {
    count += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  client = createHttpClient((server.address() as AddressInfo).port);
  return () => count;
}

describe("the HTTP client of the bench", () => {
  it("uses one connection for one request after another", async () => {
    const countConnections = await start();
    for (const _ of [1, 2, 3]) expect((await client.send(REQUEST)).body).toBe("ok");
    expect(countConnections()).toBe(1);
  });

  it("opens another connection after the server has closed the idle ones", async () => {
    const countConnections = await start();
    await Promise.all([client.send(REQUEST), client.send(REQUEST)]);
    const closed = new Promise((resolve) => setTimeout(resolve, 50));
    server.closeIdleConnections();
    await closed;
    expect((await client.send(REQUEST)).body).toBe("ok");
    expect(countConnections()).toBe(3);
  });
});
