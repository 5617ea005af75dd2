import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FetchError } from "../../../src/platform/bounded-fetch.ts";
import { getPlainJson } from "../../../src/platform/plain-get.ts";

let server: Server;
let url: string;
let answer: (response: ServerResponse) => void;

beforeEach(async () => {
  server = createServer((_, response) => answer(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`;
});
afterEach(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));

const never = new AbortController().signal;
const ask = (bounds: Partial<Parameters<typeof getPlainJson>[1]> = {}) =>
  getPlainJson(url, { timeoutMs: 10_000, signal: never, maxBytes: 100, ...bounds });

describe("getPlainJson", () => {
  it("returns the JSON of a 2xx answer, and keeps no connection", async () => {
    answer = (response) => void response.end('{"ready":true}');
    expect(await ask()).toEqual({ ready: true });
    server.close();
    await once(server, "close");
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    ["another status", (response) => response.writeHead(503).end("{}"), "status_unexpected"],
    ["a redirect", (response) => response.writeHead(302, { location: "/x" }).end(), "status_unexpected"],
    ["a body that is not JSON", (response) => response.end("ready"), "body_not_json"],
    ["a body above the bound", (response) => response.end(`"${"x".repeat(100)}"`), "body_too_large"],
    ["a body that breaks off", (response) => response.write("{", () => response.destroy()), "unreachable"],
  ])("refuses %s", async (_, given, code) => {
    answer = given;
    await expect(ask()).rejects.toMatchObject({ name: "FetchError", code });
  });

  it("names the method, the address and the reason when nothing listens", async () => {
    server.close();
    const failure: unknown = await ask().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FetchError);
    expect((failure as FetchError).message).toContain(`GET ${url} failed: connect ECONNREFUSED`);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ["the answer", () => {}],
    ["the rest of the body", (response) => response.write("{")],
  ])("stops waiting for %s at its deadline, and when the caller aborts", async (_, given) => {
    answer = given;
    await expect(ask({ timeoutMs: 50 })).rejects.toMatchObject({ code: "timed_out" });
    await expect(ask({ signal: abortedSoon() })).rejects.toMatchObject({ code: "aborted" });
    await expect(ask({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
  });
});

function abortedSoon(): AbortSignal {
  const caller = new AbortController();
  setTimeout(() => caller.abort(), 50);
  return caller.signal;
}
