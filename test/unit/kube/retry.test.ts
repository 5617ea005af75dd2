import { describe, expect, it } from "vitest";
import type { KubeClient } from "../../../src/kube/client.ts";
import { isTooManyRequests } from "../../../src/kube/error.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { configMapAt, type Script, sendJson, sendRefusal } from "../../support/server/scripted-api.ts";
import { caught, useScriptedClients } from "../../support/server/scripted-client.ts";
import { until } from "../../support/wait.ts";

const start = useScriptedClients();
const KEY = { name: "settings", namespace: "default" };
const found = configMapAt("settings", 7);

describe("a call that the server asks to repeat", () => {
  /** Refuses the first call and accepts the rest. */
  const busyOnce = (code: number, headers: Record<string, string>): Script => {
    let calls = 0;
    return (_, response) => {
      calls += 1;
      if (calls === 1) sendRefusal(response, code, "Busy", headers);
      else sendJson(response, 200, found);
    };
  };
  const soon = { "retry-after": "0.02" };

  it.each([
    ["a read after 503", 503, (client: KubeClient) => client.get(CONFIG_MAPS, KEY)],
    [
      "an apply after 503",
      503,
      (client: KubeClient) => client.apply(CONFIG_MAPS, found, { fieldManager: "m" }),
    ],
    ["a create after 429", 429, (client: KubeClient) => client.create(CONFIG_MAPS, found)],
  ])("is repeated after the time of Retry-After: %s", async (_, code, act) => {
    const { api, client } = await start(busyOnce(code, { "retry-after": "1" }));
    const startedAt = performance.now();
    expect(await act(client)).toEqual(found);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
    expect(api.requests).toHaveLength(2);
  });

  it.each([
    ["a create after 503: it may have happened", 503, soon],
    ["a create after 429 without Retry-After", 429, {}],
    ["a create after 500", 500, {}],
  ])("is not repeated: %s", async (_, code, headers) => {
    const { api, client } = await start(busyOnce(code, headers as Record<string, string>));
    expect((await caught(client.create(CONFIG_MAPS, found))).status).toBe(code);
    expect(api.requests).toHaveLength(1);
  });

  it("waits for the first of two Retry-After headers", async () => {
    const { client } = await start((_, response) => {
      response.setHeader("retry-after", ["0.03", "7"]);
      sendRefusal(response, 503, "Busy");
    });
    expect((await caught(client.create(CONFIG_MAPS, found))).retryAfterMs).toBe(30);
  });

  it("waits for the time in the body rather than that of the header", async () => {
    const status = { reason: "Busy", message: "later", details: { retryAfterSeconds: 4 } };
    const { client } = await start((_, response) => sendJson(response, 503, status, soon));
    expect((await caught(client.create(CONFIG_MAPS, found))).retryAfterMs).toBe(4_000);
  });

  it("is not repeated when the caller's signal fires", async () => {
    const { api, client } = await start((_, response) =>
      sendRefusal(response, 429, "TooManyRequests", { "retry-after": "9" }),
    );
    const abort = new AbortController();
    const path = "/api/v1/namespaces/default/configmaps/settings";
    const call = caught(client.request({ method: "GET", path, signal: abort.signal }));
    await until(() => api.requests.length === 1, "the first attempt");
    abort.abort();
    expect((await call).name).toBe("AbortError");
    expect(api.requests).toHaveLength(1);
  });

  it("fails after four attempts, with the time of Retry-After", async () => {
    const { api, client } = await start((_, response) => sendRefusal(response, 429, "TooManyRequests", soon));
    const error = await caught(client.get(CONFIG_MAPS, KEY));
    expect(isTooManyRequests(error)).toBe(true);
    expect(error.retryAfterMs).toBe(20);
    expect(api.requests).toHaveLength(4);
  });
});
