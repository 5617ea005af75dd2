import type { ServerResponse } from "node:http";
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
  const events = createEventRecorder({
    client,
    component: "catalyst-operator",
    instance: "catalyst-operator-0",
    logger: createLogger("test", "silent"),
    now: () => new Date("2026-01-01T00:00:00Z"),
  });
  const writes = () => api.requests.filter(({ method }) => method !== "GET");
  return { events, writes };
}

describe("the event recorder", () => {
  it("writes repeats that came before the first was written as one", async () => {
    const { events, writes } = await start(({ method }, response) =>
      method === "GET" ? sendRefusal(response, 404, "NotFound") : sendJson(response, 201, {}),
    );
    for (let i = 0; i < 5; i += 1) events.record(about, "Normal", "Told", "the same");
    await events.flush();
    expect(writes().map(({ method, body }) => [method, (body as { count: number }).count])).toEqual([
      ["POST", 5],
    ]);
  });

  it("makes an Event anew that expired between its look and its patch", async () => {
    let looks = 0;
    const { events, writes } = await start(({ method }, response) => {
      if (method === "POST") return sendJson(response, 201, {});
      if (method === "PATCH") return sendRefusal(response, 404, "NotFound");
      looks += 1;
      return looks === 1
        ? sendJson(response, 200, { ...about, count: 8 })
        : sendRefusal(response, 404, "NotFound");
    });
    events.record(about, "Normal", "Told", "something");
    await events.flush();
    expect(writes().map(({ method }) => method)).toEqual(["PATCH", "POST"]);
  });

  it("tries again while nobody answers", async () => {
    let calls = 0;
    const { events, writes } = await start(({ method }, response) => {
      calls += 1;
      if (calls <= 2) response.socket?.destroy();
      else if (method === "GET") sendRefusal(response, 404, "NotFound");
      else sendJson(response, 201, {});
    });
    events.record(about, "Normal", "Told", "something");
    await events.flush();
    expect(writes()).toHaveLength(1);
  });

  it("gives up what is refused, and goes on with the rest", async () => {
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

  it("keeps a bounded number of Events that are yet to be written", async () => {
    const { events, writes } = await start(({ method }, response) =>
      method === "GET" ? sendRefusal(response, 404, "NotFound") : sendJson(response, 201, {}),
    );
    for (let i = 0; i < 1_500; i += 1)
      events.record(configMapAt(`subject-${i}`, 1), "Normal", "Told", "a flood");
    await events.flush();
    expect(writes()).toHaveLength(1_000);
    events.record(about, "Normal", "Told", "after the flood");
    await events.flush();
    expect(writes()).toHaveLength(1_001);
  });
});
