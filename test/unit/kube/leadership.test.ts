import { afterEach, describe, expect, it } from "vitest";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import type { KubeError } from "../../../src/kube/error.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import {
  configMapAt,
  type Script,
  type ScriptedApi,
  sendJson,
  sendRefusal,
  startScriptedApi,
} from "../../support/server/scripted-api.ts";
import { until } from "../../support/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const found = configMapAt("settings", 7);
const KEY = { name: "settings", namespace: "default" };

/** A leader's client. `lose` ends its leadership. */
async function start(script: Script): Promise<{ api: ScriptedApi; client: KubeClient; lose(): void }> {
  const api = await startScriptedApi(script);
  const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
  cleanups.push(
    () => api.close(),
    () => client.close(),
  );
  let leads = true;
  const lost = new AbortController();
  return {
    api,
    client: client.whileLeading({ mayWrite: () => leads, lost: lost.signal }),
    lose() {
      leads = false;
      lost.abort();
    },
  };
}

const writes: [string, (client: KubeClient) => Promise<unknown>][] = [
  ["create", (client) => client.create(CONFIG_MAPS, found)],
  ["replace", (client) => client.replace(CONFIG_MAPS, found)],
  ["apply", (client) => client.apply(CONFIG_MAPS, found, { fieldManager: "m" })],
  ["patch", (client) => client.mergePatch(CONFIG_MAPS, KEY, {})],
  ["delete", (client) => client.delete(CONFIG_MAPS, KEY)],
  ["token", (client) => client.createToken(KEY, 600)],
  ["raw request", (client) => client.request({ method: "POST", path: "/any", body: {} })],
];
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: KubeError) => error.reason,
  );

describe("the leader's client", () => {
  it.each(writes)("begins no %s once the lease is lost, and still reads", async (_, write) => {
    const { api, client, lose } = await start((_request, response) => sendJson(response, 200, found));
    await write(client).catch(() => undefined);
    expect(api.requests).toHaveLength(1);
    lose();
    expect(await caught(write(client))).toBe("NotLeading");
    expect(api.requests).toHaveLength(1);
    expect(await client.get(CONFIG_MAPS, KEY)).toEqual(found);
  });

  it.each(writes)(
    "does not repeat a %s that the server postponed, after the lease is lost",
    async (_, write) => {
      const { api, client, lose } = await start((_request, response) =>
        sendRefusal(response, 429, "TooManyRequests", { "retry-after": "0.3" }),
      );
      const reason = caught(write(client));
      await until(() => api.requests.length === 1, "the first try");
      lose();
      expect(await reason).toBe("NotLeading");
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(api.requests).toHaveLength(1);
    },
  );

  it("aborts a write that hangs when the lease is lost", async () => {
    const { api, client, lose } = await start(() => {});
    const reason = caught(client.create(CONFIG_MAPS, found));
    await until(() => api.requests.length === 1, "the write");
    const lostAt = performance.now();
    lose();
    expect(await reason).toBe("NotLeading");
    expect(performance.now() - lostAt).toBeLessThan(5_000);
  });

  it("aborts a write when the caller's signal fires, with the caller's reason", async () => {
    const { client } = await start(() => {});
    const abort = new AbortController();
    const call = client
      .request({ method: "POST", path: "/any", body: {}, signal: abort.signal })
      .catch((error: unknown) => error);
    setTimeout(() => abort.abort(new Error("enough")), 20);
    expect(await call).toMatchObject({ message: "enough" });
  });
});
