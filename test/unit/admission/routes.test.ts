import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Reviewer } from "../../../src/admission/review.ts";
import { createWebhookHandler } from "../../../src/admission/routes.ts";
import { type RunningHttpServer, startHttpServer } from "../../../src/platform/http-server.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { verdict } from "../../support/builder/admission-request.ts";
import { eventually } from "../../support/wait.ts";

const REVIEW = {
  request: {
    uid: "uid-1",
    operation: "CREATE",
    resource: { group: "", version: "v1", resource: "configmaps" },
    name: "settings",
    namespace: "shop",
    userInfo: { username: "salma" },
  },
};

const registry = new Registry();
let server: RunningHttpServer;
let review: Reviewer;
let lines: Record<string, unknown>[];

beforeAll(async () => {
  const handler = createWebhookHandler({
    review: (input) => review(input),
    docsUrl: "https://docs.test/denied",
    logger: pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) }),
    registry,
  });
  server = await startHttpServer({ host: "127.0.0.1", port: 0, handler });
});
afterAll(() => server?.close(0));
beforeEach(() => {
  registry.resetMetrics();
  lines = [];
  review = async () => verdict();
});

async function post(body: string | object, path = "/admit?timeout=10s") {
  const response = await fetch(`${server.origin}${path}`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, json: await response.json() };
}

describe("createWebhookHandler", () => {
  it("allows a request that no rule denies, logs nothing and counts it", async () => {
    expect(await post(REVIEW)).toEqual({
      status: 200,
      json: {
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: { uid: "uid-1", allowed: true },
      },
    });
    expect(lines).toEqual([]);
    expect(await registry.metrics()).toContain(
      'catalyst_admission_requests_total{resource="configmaps",operation="CREATE",allowed="true",rule=""} 1',
    );
  });

  it("sends the warnings and the audit annotations of a request that passes", async () => {
    review = async () => verdict({ warnings: ["is old"], auditAnnotations: { reason: "is old" } });
    expect((await post(REVIEW)).json).toMatchObject({
      response: { allowed: true, warnings: ["is old"], auditAnnotations: { reason: "is old" } },
    });
  });

  it("denies with status 200, logs the rules and counts the first", async () => {
    review = async () =>
      verdict({
        violations: [
          { rule: "image-digest", path: "spec.a", message: "is wrong" },
          { rule: "sovereign-field", path: "spec.b", message: "is wrong too" },
        ],
      });
    const { status, json } = await post(REVIEW);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      response: {
        allowed: false,
        status: {
          code: 403,
          message: expect.stringContaining(
            "See https://docs.test/denied#image-digest https://docs.test/denied#sovereign-field",
          ),
        },
      },
    });
    expect(lines).toEqual([
      {
        level: 30,
        user: "salma",
        operation: "CREATE",
        resource: "configmaps",
        name: "settings",
        namespace: "shop",
        rules: ["image-digest", "sovereign-field"],
        msg: "request denied",
      },
    ]);
    const metrics = await registry.metrics();
    expect(metrics).toContain(
      'catalyst_admission_requests_total{resource="configmaps",operation="CREATE",allowed="false",rule="image-digest"} 1',
    );
    expect(metrics).toContain('catalyst_admission_duration_seconds_count{allowed="false"} 1');
  });

  it.each<[string, string | object, number, string]>([
    ["a body that is not JSON", "{", 400, "JSON"],
    ["a body that is no review", {}, 400, "the body must be an AdmissionReview of admission.k8s.io/v1"],
    ["a body above 8 MiB", " ".repeat(8 * 1024 * 1024 + 1), 413, "the body exceeds 8388608 bytes"],
  ])("refuses %s", async (_what, body, status, error) => {
    review = () => Promise.reject(new Error("this request must not be reviewed"));
    expect(await post(body)).toEqual({ status, json: { error: expect.stringContaining(error) } });
    expect(lines).toEqual([]);
  });

  it("reviews a body of exactly 8 MiB", async () => {
    const text = JSON.stringify(REVIEW);
    expect((await post(text + " ".repeat(8 * 1024 * 1024 - text.length))).status).toBe(200);
  });

  it("passes the selection that the path names", async () => {
    const selections: unknown[] = [];
    review = async (input) => {
      selections.push(input.selected);
      return verdict();
    };
    for (const path of ["/admit", "/admit/ordinary", "/admit/managed-by?timeout=10s"])
      expect((await post(REVIEW, path)).status).toBe(200);
    expect(selections).toEqual([undefined, "ordinary", "managed-by"]);
    expect((await post(REVIEW, "/admit/other")).status).toBe(404);
  });

  it("answers 404 on other paths and 405 to other methods", async () => {
    expect(await post(REVIEW, "/admission")).toEqual({ status: 404, json: { error: "not found" } });
    const response = await fetch(`${server.origin}/admit`);
    expect([response.status, await response.json()]).toEqual([
      405,
      { error: "send an AdmissionReview with POST" },
    ]);
  });

  it("answers 500 when a review fails, and keeps the reason in the log", async () => {
    review = () => Promise.reject(new Error("the cache is broken"));
    expect(await post(REVIEW)).toEqual({
      status: 500,
      json: { error: "the review failed; see the operator's log" },
    });
    expect(lines).toEqual([
      {
        level: 50,
        error: "the cache is broken",
        stack: expect.stringContaining("the cache is broken"),
        msg: "the review failed",
      },
    ]);
  });

  it("answers 503 within its deadline when a review does not end", async () => {
    const messages: string[] = [];
    const impatient = await startHttpServer({
      ...{ host: "127.0.0.1", port: 0 },
      handler: createWebhookHandler({
        review: () => new Promise(() => {}),
        docsUrl: "https://docs.test/denied",
        logger: pino({}, { write: (line) => messages.push(JSON.parse(line).msg) }),
        registry: new Registry(),
        deadlineMs: 50,
      }),
    });
    const response = await fetch(`${impatient.origin}/admit`, {
      method: "POST",
      body: JSON.stringify(REVIEW),
    });
    expect([response.status, await response.json()]).toEqual([
      503,
      { error: "the review took longer than 50 ms: try again" },
    ]);
    expect(messages).toEqual(["a review was not finished"]);
    await impatient.close(0);
  });

  it("answers small reviews while large ones hold the whole memory that these may have", async () => {
    const endings: (() => void)[] = [];
    review = ({ name }) =>
      name === "large"
        ? new Promise((resolve) => endings.push(() => resolve(verdict())))
        : Promise.resolve(verdict());
    const large = JSON.stringify({ request: { ...REVIEW.request, name: "large" } });
    const held = Array.from({ length: 5 }, () => post(large.padEnd(7 * 1024 * 1024)));
    await eventually(() => expect(endings).toHaveLength(3));
    expect((await post(REVIEW)).status).toBe(200);
    expect(endings).toHaveLength(3);
    for (let ended = 0; ended < 5; ended += 1) {
      await eventually(() => expect(endings.length).toBeGreaterThan(ended));
      endings[ended]?.();
    }
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  });
});

describe("a body that stops half way", () => {
  it("answers a body that stops half way, closes its connection, and accepts large reviews again", async () => {
    const handler = createWebhookHandler({
      ...{ review: async () => verdict(), docsUrl: "", logger: pino({ enabled: false }) },
      ...{ registry: new Registry(), deadlineMs: 1_000 },
    });
    const slow = await startHttpServer({ host: "127.0.0.1", port: 0, handler });
    try {
      // Together they hold all bytes that large reviews may have.
      const answers = await Promise.all(Array.from({ length: 3 }, () => halfBody(slow.port)));
      for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 503 .*connection: close/is);
      const body = JSON.stringify({ request: { ...REVIEW.request, object: { pad: "x".repeat(1_000_000) } } });
      const { status } = await fetch(`${slow.origin}/admit`, { method: "POST", body });
      expect(status).toBe(200);
    } finally {
      await slow.close(0);
    }
  });
});

describe("clients that leave before their large reviews begin", () => {
  it("frees the memory of large reviews before the deadline when their clients leave", async () => {
    const clients = Array.from({ length: 12 }, () => net.connect(server.port, "127.0.0.1"));
    await Promise.all(clients.map((client) => once(client, "connect")));
    for (const client of clients) client.write(HALF_BODY);
    // The server takes all of them before they leave.
    await sleep(100);
    for (const client of clients) client.destroy();
    const startedAt = performance.now();
    expect((await post(JSON.stringify(REVIEW).padEnd(7 * 1024 * 1024))).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(7_500);
    expect(lines).toEqual([]);
  });
});

const HALF_BODY = "POST /admit HTTP/1.1\r\nHost: webhook\r\nContent-Length: 8388608\r\n\r\n{";

/** Announces 8 MiB, sends one byte, and returns what came back until the server closed the connection. */
async function halfBody(port: number): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8").on("data", (text) => (received += text));
  socket.write(HALF_BODY);
  await once(socket, "close");
  return received;
}
