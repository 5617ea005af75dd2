import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type BoundedRequest,
  boundedFetch,
  FetchError,
  jsonOf,
} from "../../../src/platform/bounded-fetch.ts";
import { eventually } from "../../support/wait.ts";

interface Received {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

let server: Server;
let origin: string;
let received: Received[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  received = [];
  server = createServer(async (request, response) => {
    const { method = "", url: path = "", headers } = request;
    received.push({ method, path, headers, body: await textOf(request) });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));

/** A call with a deadline that no test reaches, unless it gives its own. */
const ask = (url: string, options: Partial<BoundedRequest> & Pick<BoundedRequest, "maxBytes">) =>
  boundedFetch(url, { timeoutMs: 10_000, ...options } as BoundedRequest);

const text = (body: Uint8Array) => Buffer.from(body).toString();

/** The error of a call that must fail. */
const failureOf = (call: Promise<unknown>): Promise<FetchError> =>
  call.then(
    () => expect.unreachable("the call succeeded"),
    (error) => {
      expect(error).toBeInstanceOf(FetchError);
      return error;
    },
  );

describe("boundedFetch", () => {
  it("returns status, headers and body, and sends method, headers and body", async () => {
    answer = (_, response) => void response.writeHead(201, { "x-kind": "made" }).end("done");
    const made = await ask(`${origin}/things?q=1`, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: "make",
      maxBytes: 4,
    });
    expect([made.status, made.headers.get("x-kind"), text(made.body), made.isRedirected]).toEqual([
      201,
      "made",
      "done",
      false,
    ]);
    expect(made.request).toBe(`POST ${origin}/things`);
    expect(received).toMatchObject([
      { method: "POST", path: "/things?q=1", body: "make", headers: { "content-type": "text/plain" } },
    ]);
  });

  it.each([
    ["with a Content-Length", { "content-length": "5" }],
    ["without one", {}],
  ])("refuses a body %s that is one byte too large", async (_, headers) => {
    answer = (_request, response) => void response.writeHead(200, headers).end("12345");
    expect(text((await ask(origin, { maxBytes: 5 })).body)).toBe("12345");
    const error = await failureOf(ask(`${origin}/x`, { maxBytes: 4 }));
    expect([error.code, error.message]).toEqual([
      "body_too_large",
      `GET ${origin}/x answered more than 4 bytes`,
    ]);
  });

  it("counts the bytes of all pieces together, and closes the connection of a body that is too large", async () => {
    let isClosed = false;
    answer = async (_, response) => {
      response.once("close", () => {
        isClosed = true;
      });
      for (const piece of ["1234", "5678", "9"]) {
        response.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      // The body never ends: only the reader can close it.
    };
    expect((await failureOf(ask(origin, { maxBytes: 8 }))).code).toBe("body_too_large");
    await eventually(() => expect(isClosed).toBe(true));
  });

  it("closes the connection of an error whose body is not read", async () => {
    let isClosed = false;
    answer = (_, response) => {
      response.once("close", () => {
        isClosed = true;
      });
      response.writeHead(500).write("this body never ends");
    };
    expect((await ask(origin, { maxBytes: 100 })).status).toBe(500);
    await eventually(() => expect(isClosed).toBe(true));
  });

  it("does not compile without a deadline", () => {
    // @ts-expect-error: neither `timeoutMs` nor a signal
    const request: BoundedRequest = { maxBytes: 1 };
    expect(request).toEqual({ maxBytes: 1 });
  });

  it("counts the bytes of a compressed body after decompression", async () => {
    const packed = gzipSync("0".repeat(1_000));
    expect(packed.byteLength).toBeLessThan(100);
    answer = (_, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end(packed);
    expect((await failureOf(ask(origin, { maxBytes: 999 }))).code).toBe("body_too_large");
    expect((await ask(origin, { maxBytes: 1_000 })).body.byteLength).toBe(1_000);
  });

  it.each([404, 500, 401])(
    "returns status %i without its body, unless the body is asked for",
    async (status) => {
      answer = (_, response) => void response.writeHead(status).end("why");
      expect(await ask(origin, { maxBytes: 1 })).toMatchObject({ status, body: new Uint8Array() });
      const read = await ask(origin, { maxBytes: 3, readsErrorBody: true });
      expect([read.status, text(read.body)]).toEqual([status, "why"]);
      expect((await failureOf(ask(origin, { maxBytes: 2, readsErrorBody: true }))).code).toBe(
        "body_too_large",
      );
    },
  );

  it.each([301, 302, 303, 307, 308])("refuses a redirect with status %i", async (status) => {
    answer = (_, response) =>
      void response.writeHead(status, { location: "http://169.254.169.254/latest" }).end();
    const error = await failureOf(ask(`${origin}/a`, { maxBytes: 1 }));
    expect([error.code, error.message]).toEqual([
      "redirect_refused",
      `GET ${origin}/a redirects to http://169.254.169.254: this redirect is not followed`,
    ]);
    expect(received).toHaveLength(1);
  });

  it("follows as many redirects as it may, where it may, and sends Authorization to the first address only", async () => {
    answer = ({ url }, response) => {
      const hop = Number(url?.slice(1));
      if (hop < 2) response.writeHead(307, { location: `/${hop + 1}` }).end();
      else response.end("there");
    };
    const seen: string[] = [];
    const follow = {
      maxRedirects: 2,
      isAllowed: (target: URL) => seen.push(target.pathname) > 0 && target.port !== "1",
    };
    const headers = { Authorization: "Bearer token", accept: "text/plain" };
    const reached = await ask(`${origin}/0`, { maxBytes: 5, headers, follow });
    expect([text(reached.body), reached.isRedirected, reached.request]).toEqual([
      "there",
      true,
      `GET ${origin}/2`,
    ]);
    expect(seen).toEqual(["/1", "/2"]);
    expect(received.map(({ headers: sent }) => [sent.authorization, sent.accept])).toEqual([
      ["Bearer token", "text/plain"],
      [undefined, "text/plain"],
      [undefined, "text/plain"],
    ]);
    for (const refused of [
      { ...follow, maxRedirects: 1 },
      { ...follow, isAllowed: () => false },
    ])
      expect((await failureOf(ask(`${origin}/0`, { maxBytes: 5, follow: refused }))).code).toBe(
        "redirect_refused",
      );
  });

  it("refuses a redirect without a usable address", async () => {
    answer = (_, response) => void response.writeHead(302, { location: "http://[" }).end();
    const follow = { maxRedirects: 1, isAllowed: () => true };
    expect((await failureOf(ask(`${origin}/a`, { maxBytes: 1, follow }))).message).toBe(
      `GET ${origin}/a redirects to an address that is not a URL: this redirect is not followed`,
    );
  });

  it.each<[string, typeof answer]>([
    ["sends no answer", () => {}],
    ["stops in the middle of the body", (_, response) => void response.writeHead(200).write("1")],
  ])("ends at the deadline when the service %s", async (_, hang) => {
    answer = hang;
    const error = await failureOf(ask(`${origin}/slow?who=ali`, { maxBytes: 10, timeoutMs: 50 }));
    expect([error.code, error.message]).toEqual(["timed_out", `GET ${origin}/slow did not answer in time`]);
  });

  it("spends one deadline on all redirects together", async () => {
    answer = (_, response) =>
      void setTimeout(() => response.writeHead(302, { location: "/again" }).end(), 30);
    const follow = { maxRedirects: 1_000, isAllowed: () => true };
    expect((await failureOf(ask(origin, { maxBytes: 1, timeoutMs: 100, follow }))).code).toBe("timed_out");
  });

  it("ends when the caller's signal fires, and distinguishes a deadline from an abort", async () => {
    answer = () => {};
    const signal = AbortSignal.timeout(30);
    expect((await failureOf(ask(origin, { maxBytes: 1, timeoutMs: 60_000, signal }))).code).toBe("timed_out");
    const error = await failureOf(boundedFetch(`${origin}/x`, { maxBytes: 1, signal: AbortSignal.abort() }));
    expect([error.code, error.message]).toEqual(["aborted", `GET ${origin}/x was aborted`]);
  });

  it("names the cause of a failed and of a broken connection", async () => {
    answer = (request) => void request.socket.destroy();
    expect((await failureOf(ask(`${origin}/x`, { maxBytes: 1 }))).message).toBe(
      `GET ${origin}/x failed: other side closed`,
    );
    await new Promise((resolve) => server.close(resolve).closeAllConnections());
    const error = await failureOf(ask(`${origin}/x`, { maxBytes: 1 }));
    expect(error.code).toBe("unreachable");
    expect(error.message).toMatch(/^GET http:\/\/127\.0\.0\.1:\d+\/x failed: connect ECONNREFUSED/);
    expect((await failureOf(ask("nowhere", { maxBytes: 1 }))).code).toBe("unreachable");
  });

  it("calls the fetch that it is given", async () => {
    answer = (_, response) => void response.end("ok");
    const asked: unknown[] = [];
    await ask(origin, {
      maxBytes: 2,
      fetch: (input, init) => {
        asked.push(input);
        return fetch(input, init);
      },
    });
    expect(asked).toEqual([origin]);
  });
});

describe("jsonOf", () => {
  it("parses the body of a 2xx answer", async () => {
    answer = (_, response) => void response.writeHead(201).end('{"a":[1]}');
    expect(jsonOf(await ask(origin, { maxBytes: 100 }))).toEqual({ a: [1] });
  });

  it.each([
    [404, "{}", "status_unexpected", "answered 404"],
    [500, "{}", "status_unexpected", "answered 500"],
    [204, "", "body_not_json", "answered a body that is not JSON"],
    [200, "<html>", "body_not_json", "answered a body that is not JSON"],
  ])("refuses status %i with body %j", async (status, body, code, message) => {
    answer = (_, response) => void response.writeHead(status).end(body);
    const whole = await ask(`${origin}/x`, { maxBytes: 100, readsErrorBody: true });
    expect(() => jsonOf(whole)).toThrow(
      expect.objectContaining({ code, message: `GET ${origin}/x ${message}` }),
    );
  });
});
