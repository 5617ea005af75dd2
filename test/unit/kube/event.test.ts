import type { ServerResponse } from "node:http";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { createKubeClient } from "../../../src/kube/client.ts";
import { createEventRecorder } from "../../../src/kube/event.ts";
import { createLogger } from "../../../src/platform/log.ts";
import {
  configMapAt,
  type SeenRequest,
  sendJson,
  sendRefusal,
  startScriptedApi,
} from "../../support/server/scripted-api.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const about = configMapAt("subject", 1);

async function start(script: (request: SeenRequest, response: ServerResponse) => void) {
  const api = await startScriptedApi(script);
  const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
  cleanups.push(
    () => api.close(),
    () => client.close(),
  );
  let time = Date.parse("2026-01-01T00:00:00Z");
  const events = createEventRecorder({
    client,
    component: "catalyst-operator",
    instance: "catalyst-operator-0",
    logger: createLogger("test", "silent"),
    now: () => new Date(time),
  });
  const writes = () => api.requests.filter(({ method }) => method !== "GET");
  const reads = () => api.requests.length - writes().length;
  const pass = (ms: number) => {
    time += ms;
  };
  return { events, writes, reads, pass };
}

describe("createEventRecorder", () => {
  it("counts repeats on one Event when the first is not written yet", async () => {
    const { events, writes } = await start(({ method }, response) =>
      method === "GET" ? sendRefusal(response, 404, "NotFound") : sendJson(response, 201, {}),
    );
    for (let i = 0; i < 5; i += 1) events.record(about, "Normal", "Noted", "the same");
    await events.flush();
    expect(writes().map(({ method, body }) => [method, (body as { count: number }).count])).toEqual([
      ["POST", 5],
    ]);
  });

  it("writes the Events of one object before those that wait for longer, one after the other", async () => {
    const release = Promise.withResolvers<void>();
    const { events, writes } = await start(async ({ method, path }, response) => {
      if (path.includes("/slow.")) await release.promise;
      if (method === "GET") sendRefusal(response, 404, "NotFound");
      else sendJson(response, 201, {});
    });
    events.record(configMapAt("slow", 1), "Normal", "Noted", "held up");
    await Promise.resolve();
    events.record(about, "Normal", "Noted", "first");
    events.record(about, "Normal", "Noted", "second");
    await events.settle(about);
    expect(writes().map(({ body }) => (body as { message: string }).message)).toEqual(["first", "second"]);
    release.resolve();
    await events.flush();
    expect(writes()).toHaveLength(3);
  });

  it("does not hold up a status while an Event is not written", async () => {
    const release = Promise.withResolvers<void>();
    const { events, writes } = await start(async ({ method }, response) => {
      await release.promise;
      if (method === "GET") sendRefusal(response, 404, "NotFound");
      else sendJson(response, 201, {});
    });
    events.record(about, "Normal", "Noted", "held up");
    const since = performance.now();
    await events.settle(about);
    expect(performance.now() - since).toBeLessThan(5_000);
    expect(writes()).toEqual([]);
    release.resolve();
    await events.flush();
    expect(writes()).toHaveLength(1);
  });

  it("creates an Event again that expired between the read and the patch", async () => {
    let looks = 0;
    const { events, writes } = await start(({ method }, response) => {
      if (method === "POST") return sendJson(response, 201, {});
      if (method === "PATCH") return sendRefusal(response, 404, "NotFound");
      looks += 1;
      return looks === 1
        ? sendJson(response, 200, { ...about, count: 8 })
        : sendRefusal(response, 404, "NotFound");
    });
    events.record(about, "Normal", "Noted", "something");
    await events.flush();
    expect(writes().map(({ method }) => method)).toEqual(["PATCH", "POST"]);
  });

  it("tries again while the server is unreachable", async () => {
    let calls = 0;
    const { events, writes } = await start(({ method }, response) => {
      calls += 1;
      if (calls <= 2) response.socket?.destroy();
      else if (method === "GET") sendRefusal(response, 404, "NotFound");
      else sendJson(response, 201, {});
    });
    events.record(about, "Normal", "Noted", "something");
    await events.flush();
    expect(writes()).toHaveLength(1);
  });

  it.each([
    [410, "Expired"],
    [429, "TooManyRequests"],
    [500, "InternalError"],
    [503, "ServiceUnavailable"],
    [504, "Timeout"],
  ])("tries again after a write that the server answers with %d", async (status, reason) => {
    const { events, writes } = await start(({ method }, response) => {
      if (method === "GET") sendRefusal(response, 404, "NotFound");
      else if (writes().length === 1) sendRefusal(response, status, reason);
      else sendJson(response, 201, {});
    });
    events.record(about, "Warning", "RolloutHalted", "something");
    await events.flush();
    expect(writes().map(({ body }) => (body as { reason: string }).reason)).toEqual([
      "RolloutHalted",
      "RolloutHalted",
    ]);
  });

  it("drops a refused Event, and writes the next one", async () => {
    const { events, writes } = await start(({ method, body }, response) => {
      if (method === "GET") sendRefusal(response, 404, "NotFound");
      else if ((body as { reason: string }).reason === "Forbidden") sendRefusal(response, 403, "Forbidden");
      else sendJson(response, 201, {});
    });
    events.record(about, "Warning", "Forbidden", "first");
    events.record(about, "Normal", "Allowed", "second");
    await events.flush();
    expect(writes().map(({ body }) => (body as { reason: string }).reason)).toEqual(["Forbidden", "Allowed"]);
  });

  it("drops Events beyond a thousand that wait to be written, and logs how many", async () => {
    // In memory: two thousand requests to a server take 5 s on a quiet machine, and more than 20 s on a loaded one.
    const created: string[] = [];
    const lines: object[] = [];
    const events = createEventRecorder({
      client: {
        get: async () => undefined,
        async create(_resource, object) {
          created.push(object.metadata.name);
          return object;
        },
        mergePatch: () => Promise.reject(new Error("there is no Event to patch")),
      },
      component: "catalyst-operator",
      instance: "catalyst-operator-0",
      logger: pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) }),
      now: () => new Date("2026-01-01T00:00:00Z"),
    });
    for (let i = 0; i < 1_500; i += 1)
      events.record(configMapAt(`subject-${i}`, 1), "Normal", "Noted", "a flood");
    await events.flush();
    expect(created).toHaveLength(1_000);
    expect(created.at(-1)).toMatch(/^subject-999\./);
    events.record(about, "Normal", "Noted", "after the flood");
    await events.flush();
    expect(created).toHaveLength(1_001);
    expect(lines).toEqual([{ level: 40, dropped: 500, msg: "too many Events at once: some were dropped" }]);
  });

  it("drops an Event after three attempts at an unreachable server", async () => {
    const { events, reads } = await start((_, response) => void response.socket?.destroy());
    events.record(about, "Normal", "Noted", "something");
    await events.flush();
    // The client repeats each read once after a reset.
    expect(reads()).toBe(6);
  });

  it("counts from one on an Event that has no count", async () => {
    const { events, writes } = await start((_, response) => sendJson(response, 200, about));
    events.record(about, "Normal", "Noted", "something");
    await events.flush();
    expect(writes()).toMatchObject([{ method: "PATCH", body: { count: 1, message: "something" } }]);
  });

  it("combines messages for ten minutes, and then writes each by itself again", async () => {
    const { events, writes, pass } = await start(({ method }, response) =>
      method === "GET" ? sendRefusal(response, 404, "NotFound") : sendJson(response, 201, {}),
    );
    const messages = () => writes().map(({ body }) => (body as { message: string }).message);
    for (let i = 1; i <= 11; i += 1) events.record(about, "Normal", "Noted", `message ${i}`);
    await events.flush();
    expect(messages().at(-1)).toBe("(combined from similar events): message 11");
    pass(10 * 60_000 - 1);
    events.record(about, "Normal", "Noted", "message 12");
    await events.flush();
    expect(messages().at(-1)).toBe("(combined from similar events): message 12");
    pass(1);
    events.record(about, "Normal", "Noted", "message 13");
    await events.flush();
    expect(messages().at(-1)).toBe("message 13");
  });

  it("writes an Event that is recorded while the last one is written", async () => {
    const { events, writes } = await start(({ method }, response) => {
      if (method !== "GET") return sendJson(response, 201, {});
      if (writes().length === 0) events.record(about, "Normal", "Later", "second");
      return sendRefusal(response, 404, "NotFound");
    });
    events.record(about, "Normal", "First", "first");
    await events.flush();
    expect(writes().map(({ body }) => (body as { reason: string }).reason)).toEqual(["First", "Later"]);
    events.record(about, "Normal", "Third", "third");
    await events.flush();
    expect(writes()).toHaveLength(3);
  });
});
