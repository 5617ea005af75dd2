import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readRequestBody } from "../../../src/platform/request-body.ts";

const MAX_BYTES = 8;
const ERRORS = {
  tooLarge: () => new Error("too large"),
  incomplete: (cause?: unknown) => new Error("incomplete", { cause }),
};
const server = createServer();
let port = 0;

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

/** Sends the head of a request with this length, and the first bytes of its body. */
async function send(length: number, bytes: string) {
  const received = once(server, "request") as Promise<[IncomingMessage]>;
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n${bytes}`);
  const [request] = await received;
  return { socket, request };
}
const read = (request: IncomingMessage) => readRequestBody(request, MAX_BYTES, ERRORS);

describe("readRequestBody", () => {
  it("returns a body that arrives in parts", async () => {
    const { socket, request } = await send(8, "1234");
    const body = read(request);
    await once(request, "data");
    socket.write("5678");
    expect((await body).toString()).toBe("12345678");
    socket.destroy();
  });

  it("rejects a body that is too large without reading the rest", async () => {
    const { socket, request } = await send(1_000, "123456789");
    await expect(read(request)).rejects.toThrow("too large");
    expect(request.isPaused()).toBe(true);
    socket.destroy();
  });

  it("rejects when the connection ends in the middle of the body", async () => {
    const { socket, request } = await send(8, "1234");
    const body = read(request);
    socket.destroy();
    await expect(body).rejects.toThrow("incomplete");
  });

  it("rejects when the connection ended before the body was read", async () => {
    const { socket, request } = await send(8, "1234");
    request.on("error", () => undefined);
    const closed = new Promise((resolve) => request.on("close", resolve));
    socket.destroy();
    await closed;
    await expect(read(request)).rejects.toThrow("incomplete");
  });

  it("rejects when the body was already read", async () => {
    const { socket, request } = await send(8, "12345678");
    await read(request);
    await expect(read(request)).rejects.toThrow("incomplete");
    socket.destroy();
  });
});
