import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, signToken, startBilling, type TestBilling } from "../../../support/builder/billing.ts";
import { type BillingProcess, createBillingProcesses } from "../../../support/process/billing-process.ts";
import { eventually } from "../../../support/wait.ts";

let billing: TestBilling;
let processes: ReturnType<typeof createBillingProcesses>;
let admin: string;

beforeAll(async () => {
  billing = await startBilling();
  processes = createBillingProcesses(billing.database.url);
  admin = await signToken("root", "superadmin");
});
afterAll(async () => {
  await processes.close();
  await billing.close();
});

/**
 * Writes parts with pauses, as slow clients do. Returns everything that it received, once the server has closed the
 * connection.
 */
function converse(
  origin: string,
  parts: string[],
  pauseMs: number,
): Promise<{ received: string; afterMs: number }> {
  return new Promise((done) => {
    const { port, hostname } = new URL(origin);
    const startMs = performance.now();
    let received = "";
    const socket = connect(Number(port), hostname, async () => {
      for (const part of parts) {
        if (socket.destroyed) return;
        socket.write(part);
        await new Promise((next) => setTimeout(next, pauseMs));
      }
    });
    socket.on("data", (chunk) => {
      received += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => done({ received, afterMs: performance.now() - startMs }));
  });
}

describe("the body's type", () => {
  const post = async (contentType: string | undefined, raw = '{"code":"NOBODY"}') => {
    const text = `POST /billing/vouchers/redeem-preview HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${contentType === undefined ? "" : `Content-Type: ${contentType}\r\n`}Content-Length: ${raw.length}\r\n\r\n${raw}`;
    const { received } = await converse(billing.origin, [text], 0);
    return [Number(received.split(" ")[1]), /"code":"(\w+)"/.exec(received)?.[1]];
  };

  it.each([
    undefined,
    "application/json",
    "Application/JSON; charset=UTF-8",
    'application/json;charset="utf-8"',
    "application/merge-patch+json",
    "text/plain;charset=UTF-8",
  ])("accepts a body of type %s", async (type) =>
    expect(await post(type)).toEqual([404, "voucher_not_found"]),
  );

  it.each([
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/html",
    "application/xml",
    "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1",
    "application/jsonp",
    "json",
    ",",
  ])("refuses a body of type %s", async (type) =>
    expect(await post(type)).toEqual([415, "body_type_unsupported"]),
  );
});

describe("HEAD and OPTIONS", () => {
  it.each(["/healthz", "/readyz", "/openapi.json", "/redeem", "/redeem?code=NOBODY"])(
    "answers HEAD %s as GET, without a body",
    async (path) => {
      const [get, head] = await Promise.all([
        ask(billing.origin, path),
        fetch(`${billing.origin}${path}`, { method: "HEAD" }),
      ]);
      expect([head.status, await head.text()]).toEqual([get.status, ""]);
      for (const name of ["content-type", "content-length", "content-security-policy"])
        expect(head.headers.get(name)).toBe(get.headers.get(name));
    },
  );

  it.each([
    ["/billing/vouchers/issue", "POST"],
    ["/billing/admin/promos/ANY", "GET, PUT, DELETE, HEAD"],
    ["/billing/admin/promos", "GET, POST, HEAD"],
  ])("lists the methods of %s without a token", async (path, allow) => {
    const answer = await ask(billing.origin, path, { method: "OPTIONS" });
    expect([answer.status, answer.headers.get("allow"), answer.text]).toEqual([204, allow, ""]);
  });

  it("requires the token and the role of GET for HEAD", async () => {
    const head = (token?: string) =>
      fetch(`${billing.origin}/billing/vouchers/list`, {
        method: "HEAD",
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      });
    expect([(await head()).status, (await head(admin)).status]).toEqual([401, 200]);
  });

  it.each(["TRACE", "PROPFIND", "QUERY"])("refuses the method %s with 405", async (method) => {
    const { received } = await converse(
      billing.origin,
      [`${method} /billing/balance HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`],
      0,
    );
    expect(received).toMatch(/^HTTP\/1.1 405 /);
    expect(received).toContain("Allow: GET, HEAD");
  });
});

describe("/openapi.json", () => {
  it("answers a matching ETag of /openapi.json with 304", async () => {
    const first = await billing.ask("/openapi.json");
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]{20,}"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await ask(billing.origin, "/openapi.json", { headers: { "if-none-match": known } });
      expect([again.status, again.text, again.headers.get("etag")]).toEqual([304, "", etag]);
    }
    const other = await billing.ask("/openapi.json", { headers: { "if-none-match": '"other"' } });
    expect([other.status, other.text]).toEqual([200, first.text]);
  });
});

describe("a request id", () => {
  it.each(["0b9dd2c1-51f4-4b8c-9d36-4a51d0e6f001", "0b9dd2c151f44b8c9d364a51d0e6f001"])(
    "uses the request id %s of the client",
    async (id) => {
      const answer = await billing.ask("/healthz", { headers: { "x-request-id": id } });
      expect(answer.headers.get("x-request-id")).toBe(id);
    },
  );

  it.each([
    "SUMMER-2026",
    "0b9dd2c1-51f44b8c9d364a51d0e6f001",
    "a".repeat(5_000),
    '"}',
    "0B9DD2C1-51F4-4B8C-9D36-4A51D0E6F001",
  ])("creates a request id instead of %s", async (id) => {
    const answer = await billing.ask("/healthz", { headers: { "x-request-id": id } });
    expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});

describe("catalyst billing under slow clients", () => {
  let slow: BillingProcess;
  beforeAll(async () => {
    slow = await processes.start({ REQUEST_SECONDS: "1" });
  });

  const HEAD =
    "POST /billing/vouchers/redeem-preview HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
  const drip = (text: string) => [...(text.match(/.{1,2}/gs) ?? [])];

  it.each([
    ["headers", drip(`${HEAD}Content-Length: 17\r\n\r\n`)],
    ["a body", [`${HEAD}Content-Length: 5000\r\n\r\n`, ...drip(" ".repeat(200))]],
    ["chunks", [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, ...Array<string>(100).fill("1\r\n \r\n")]],
    ["nothing at all", ["P"]],
  ])(
    "ends a client that sends %s slowly with 408, and serves other clients meanwhile",
    async (_what, parts) => {
      const crowd = Array.from({ length: 20 }, () => converse(slow.origin, parts, 100));
      const startMs = performance.now();
      expect(
        (await ask(slow.origin, "/billing/vouchers/redeem-preview", { body: { code: "NOBODY" } })).status,
      ).toBe(404);
      expect(performance.now() - startMs).toBeLessThan(5_000);
      for (const { received, afterMs } of await Promise.all(crowd)) {
        expect(received).toMatch(/^HTTP\/1.1 408 /);
        expect(afterMs).toBeLessThan(10_000);
      }
    },
  );
});

describe("catalyst billing at SIGTERM", () => {
  it("becomes unready, finishes requests, and closes idle connections before it stops listening", async () => {
    const draining = await processes.start({ DRAIN_SECONDS: "4" });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const get = (path: string) =>
      new Promise<{ status: number; connection: string | undefined; text: string }>((done, fail) => {
        httpRequest(
          `${draining.origin}${path}`,
          { agent, headers: { connection: "keep-alive" } },
          (response) => {
            let text = "";
            response.on("data", (chunk) => {
              text += chunk;
            });
            response.on("end", () =>
              done({ status: response.statusCode ?? 0, connection: response.headers.connection, text }),
            );
          },
        )
          .on("error", fail)
          .end();
      });
    try {
      expect(await get("/readyz")).toMatchObject({ status: 200, connection: "keep-alive" });
      const ended = draining.end("SIGTERM");
      await eventually(async () => expect((await get("/readyz")).status).toBe(503));
      expect(JSON.parse((await get("/readyz")).text)).toEqual({
        status: "draining",
        reason: "the service is shutting down",
      });
      expect(await get("/healthz")).toMatchObject({ status: 200, connection: "close" });
      expect(await ended).toBe(0);
      await expect(get("/healthz")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    } finally {
      agent.destroy();
    }
  });
});
