import { afterEach, describe, expect, it } from "vitest";
import type { SecretObject } from "../../../src/api/object.ts";
import { createKubeClient } from "../../../src/kube/client.ts";
import { loadKeyedDigest } from "../../../src/operator/hash-key.ts";
import { sendJson, sendRefusal, startScriptedApi } from "../../support/server/scripted-api.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An API server that stores the one Secret, and a client of it. */
async function cluster(stored: { secret?: SecretObject }) {
  const api = await startScriptedApi(({ method, body }, response) => {
    if (method === "POST" && stored.secret !== undefined) return sendRefusal(response, 409, "AlreadyExists");
    if (method === "POST") stored.secret = body as SecretObject;
    if (stored.secret === undefined) sendRefusal(response, 404, "NotFound");
    else sendJson(response, 200, stored.secret);
  });
  const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
  cleanups.push(
    () => api.close(),
    () => client.close(),
  );
  return client;
}

describe("loadKeyedDigest", () => {
  it("gives every process the same digests, which need the stored key", async () => {
    const stored: { secret?: SecretObject } = {};
    const client = await cluster(stored);
    const first = await loadKeyedDigest(client);
    expect(stored.secret?.metadata).toEqual({
      name: "catalyst-operator-hash-key",
      namespace: "catalyst-system",
    });
    expect(first("a")).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect((await loadKeyedDigest(client))("a")).toBe(first("a"));
    expect(first("b")).not.toBe(first("a"));
    const other = await loadKeyedDigest(await cluster({}));
    expect(other("a")).not.toBe(first("a"));
  });

  it("gives other digests after a person deleted the Secret", async () => {
    const stored: { secret?: SecretObject } = {};
    const client = await cluster(stored);
    const former = await loadKeyedDigest(client);
    delete stored.secret;
    expect((await loadKeyedDigest(client))("a")).not.toBe(former("a"));
    expect(stored.secret).toBeDefined();
  });

  it.each([
    ["the key is too short", { "hash.key": "YQ==" }],
    ["the Secret holds other keys only", { "other.key": "YQ==" }],
  ])("names the Secret and the remedy when %s", async (_, data) => {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "x" }, data } as SecretObject;
    await expect(loadKeyedDigest(await cluster({ secret }))).rejects.toThrow(
      /^Secret catalyst-system\/catalyst-operator-hash-key has no key of 32 bytes under hash\.key: delete the Secret/,
    );
  });
});
