import { describe, expect, it } from "vitest";
import { createKubeClient } from "../../../src/kube/client.ts";
import { createCaches } from "../../../src/operator/cache.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { sendJson, startScriptedApi } from "../../support/server/scripted-api.ts";
import { until } from "../../support/wait.ts";

const sovereign = {
  ...{ apiVersion: "catalyst.openova.io/v1alpha1", kind: "Sovereign", metadata: { name: "zero" } },
  spec: {
    ...{ fqdn: "zero.example", role: "CatalystZero" },
    billing: {
      release: "stable",
      database: { secretRef: { name: "billing-db", key: "uri" } },
      auth: { secretRef: { name: "billing-jwt", key: "secret" } },
    },
  },
};
const secretVersion = { name: "billing-db", namespace: "sovereign-zero", uid: "u-1", resourceVersion: "7" };

describe("the operator's caches", () => {
  it("keep of a named Secret only its name, uid and version", async () => {
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "the values" };
    const managedFields = [{ manager: "kubectl", fieldsV1: { "f:data": {} } }];
    const secret = { metadata: { ...secretVersion, labels: { app: "x" }, annotations, managedFields } };
    const api = await startScriptedApi(({ path, query }, response) => {
      if (query.has("watch")) return;
      const items = path.endsWith("/sovereigns") ? [sovereign] : path === "/api/v1/secrets" ? [secret] : [];
      sendJson(response, 200, { metadata: { resourceVersion: "9" }, items });
    });
    const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
    const caches = createCaches({ client, logger: createLogger("test", "silent") });
    const stop = new AbortController();
    const running = caches.run(stop.signal);
    await until(() => caches.secretVersions.list().length === 1, "the Secret");
    expect(caches.secretVersions.list()).toEqual([
      { apiVersion: "v1", kind: "Secret", metadata: secretVersion },
    ]);
    stop.abort();
    await running;
    await client.close();
    await api.close();
  });

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
