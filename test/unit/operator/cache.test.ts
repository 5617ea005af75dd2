import { describe, expect, it } from "vitest";
import { createKubeClient } from "../../../src/kube/client.ts";
import { createCaches } from "../../../src/operator/cache.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { sendJson, startScriptedApi } from "../../support/server/scripted-api.ts";

describe("the operator's caches", () => {
  it("name the cache whose server was silent longest, and none before the first list", async () => {
    // Watches stay open and bring no event.
    const api = await startScriptedApi(({ query }, response) => {
      if (!query.has("watch")) sendJson(response, 200, { metadata: { resourceVersion: "1" }, items: [] });
    });
    const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
    const caches = createCaches({ client, logger: createLogger("test", "silent") });
    expect(caches.oldest()).toBeUndefined();
    const stop = new AbortController();
    const running = caches.run(stop.signal);
    await caches.synced();
    expect(caches.oldest()?.silentForMs).toBeGreaterThanOrEqual(0);
    stop.abort();
    await running;
    await client.close();
    await api.close();
  });
});
