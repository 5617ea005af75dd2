import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { afterEach, describe, expect, it } from "vitest";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { loadKubeConfig } from "../../../src/kube/connection.ts";
import {
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isNotFound,
  isTooManyRequests,
  isUnreachable,
  KubeError,
} from "../../../src/kube/error.ts";
import { CONFIG_MAPS, SECRETS } from "../../../src/kube/resource.ts";
import {
  configMapAt,
  listOf,
  type Script,
  type ScriptedApi,
  sendJson,
  sendRefusal,
  startScriptedApi,
} from "../../support/server/scripted-api.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(
  script: Script,
  kubeConfigOf: (api: ScriptedApi) => KubeConfig = (api) => api.kubeConfig(),
): Promise<{ api: ScriptedApi; client: KubeClient }> {
  const api = await startScriptedApi(script);
  const client = createKubeClient({ kubeConfig: kubeConfigOf(api), userAgent: "catalyst-test" });
  cleanups.push(
    () => api.close(),
    () => client.close(),
  );
  return { api, client };
}

const KEY = { name: "settings", namespace: "default" };
const found = configMapAt("settings", 7);
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as KubeError,
  );

describe("the client's connections", () => {
  // Two: a call that starts in the very tick in which the one before ends finds its connection still taken.
  it("asks a hundred times over the same two TLS connections", async () => {
    const { api, client } = await start((_, response) => sendJson(response, 200, found));
    for (let i = 0; i < 100; i += 1) await client.get(CONFIG_MAPS, KEY);
    expect(api.requests).toHaveLength(100);
    expect(api.connections()).toBeLessThanOrEqual(2);
    expect(api.requests[0]?.headers).toMatchObject({
      authorization: "Bearer scripted",
      "user-agent": "catalyst-test",
    });
  });

  it("opens another one only when the client certificate has changed", async () => {
    const folder = temporaryFolder();
    const [cert, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
    const { api, client } = await start(
      (_, response) => sendJson(response, 200, found),
      (scripted) => {
        writeFileSync(cert, scripted.certificates.certificate);
        writeFileSync(key, scripted.certificates.key);
        return scripted.kubeConfig({ certFile: cert, keyFile: key });
      },
    );
    for (let i = 0; i < 10; i += 1) await client.get(CONFIG_MAPS, KEY);
    const before = api.connections();
    expect(before).toBeLessThanOrEqual(2);
    const other = await startScriptedApi(() => {});
    cleanups.push(() => other.close());
    writeFileSync(cert, other.certificates.certificate);
    writeFileSync(key, other.certificates.key);
    for (let i = 0; i < 10; i += 1) await client.get(CONFIG_MAPS, KEY);
    expect(api.connections()).toBeGreaterThan(before);
    expect(api.connections()).toBeLessThanOrEqual(before + 2);
  });

  it("reads again when an idle connection was closed under it", async () => {
    const { api, client } = await start((_, response) => sendJson(response, 200, found));
    await client.get(CONFIG_MAPS, KEY);
    api.cut();
    expect(await client.get(CONFIG_MAPS, KEY)).toEqual(found);
  });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-kube-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("token files", () => {
  const kubeconfigWith = (api: ScriptedApi, tokenFile: string) => {
    const path = join(temporaryFolder(), "kubeconfig");
    const cluster = {
      server: api.origin,
      "certificate-authority-data": Buffer.from(api.caPem).toString("base64"),
    };
    const text = JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user: { tokenFile } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    });
    writeFileSync(path, text);
    return loadKubeConfig(path);
  };

  it("shows each server the token of its own file, without the line's end", async () => {
    const folder = temporaryFolder();
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    writeFileSync(one, "token-one\n");
    writeFileSync(two, "token-two\n");
    const ok: Script = (_, response) => sendJson(response, 200, found);
    const first = await start(ok, (api) => kubeconfigWith(api, one));
    const second = await start(ok, (api) => kubeconfigWith(api, two));
    await first.client.get(CONFIG_MAPS, KEY);
    await second.client.get(CONFIG_MAPS, KEY);
    await first.client.get(CONFIG_MAPS, KEY);
    const shown = ({ api }: { api: ScriptedApi }) => api.requests.map(({ headers }) => headers.authorization);
    expect(shown(first)).toEqual(["Bearer token-one", "Bearer token-one"]);
    expect(shown(second)).toEqual(["Bearer token-two"]);
  });

  it("reads a rotated token as soon as the former one is refused", async () => {
    const file = join(temporaryFolder(), "token");
    writeFileSync(file, "former");
    const { api, client } = await start(
      ({ headers }, response) =>
        headers.authorization === "Bearer fresh"
          ? sendJson(response, 200, found)
          : sendRefusal(response, 401, "Unauthorized"),
      (scripted) => kubeconfigWith(scripted, file),
    );
    expect((await caught(client.get(CONFIG_MAPS, KEY))).status).toBe(401);
    expect(api.requests).toHaveLength(1);
    writeFileSync(file, "fresh");
    expect(await client.get(CONFIG_MAPS, KEY)).toEqual(found);
  });
});

describe("errors", () => {
  it.each([
    [404, "NotFound", isNotFound],
    [409, "Conflict", isConflict],
    [409, "AlreadyExists", isAlreadyExists],
    [410, "Expired", isGone],
    [403, "Forbidden", isForbidden],
    [422, "Invalid", isInvalid],
    [429, "TooManyRequests", isTooManyRequests],
  ])("tells %i %s by its status and reason", async (code, reason, is) => {
    const { client } = await start((_, response) => sendRefusal(response, code, reason));
    const error = await caught(client.create(CONFIG_MAPS, found));
    expect(is(error)).toBe(true);
    expect(error).toMatchObject({ status: code, reason });
    const others = [isNotFound, isConflict, isAlreadyExists, isGone, isForbidden, isInvalid, isUnreachable];
    expect(others.filter((other) => other !== is && other(error))).toEqual([]);
  });

  it("gives undefined for an object that is not there, and false for deleting it", async () => {
    const { client } = await start((_, response) => sendRefusal(response, 404, "NotFound"));
    expect(await client.get(CONFIG_MAPS, KEY)).toBeUndefined();
    expect(await client.delete(CONFIG_MAPS, KEY)).toBe(false);
  });

  it.each<[string, Script]>([
    ["cuts the connection before it answers", (_, response) => void response.socket?.destroy()],
    [
      "cuts it in the middle of its answer",
      (_, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
        response.write('{"kind":');
        setTimeout(() => response.socket?.destroy(), 10);
      },
    ],
  ])("calls a server unreachable that %s", async (_, script) => {
    const { api, client } = await start(script);
    expect(isUnreachable(await caught(client.create(CONFIG_MAPS, found)))).toBe(true);
    // A write that may have happened is not sent again.
    expect(api.requests).toHaveLength(1);
  });

  it("calls a server unreachable that is not there", async () => {
    const { api, client } = await start(() => {});
    await api.close();
    expect(isUnreachable(await caught(client.get(CONFIG_MAPS, KEY)))).toBe(true);
  });

  it("says so when what answers is no API server", async () => {
    const { client } = await start((_, response) => void response.end("<html>"));
    expect(await caught(client.get(CONFIG_MAPS, KEY))).toMatchObject({ status: 200, reason: "Unreadable" });
  });

  it("ends a call with the caller's signal, not as an unreachable server", async () => {
    const { client } = await start(() => {});
    const abort = new AbortController();
    const path = "/api/v1/namespaces/default/configmaps/settings";
    const call = caught(client.request({ method: "GET", path, signal: abort.signal }));
    setTimeout(() => abort.abort(), 20);
    expect(await call).not.toBeInstanceOf(KubeError);
  });

  it("keeps the token out of what it says", async () => {
    const { client } = await start((_, response) => sendRefusal(response, 500, "InternalError"));
    const error = await caught(client.get(CONFIG_MAPS, KEY));
    expect(JSON.stringify(error) + error.message + error.stack).not.toContain("scripted");
  });
});

describe("retries", () => {
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
  ])("repeats %s with Retry-After, no sooner", async (_, code, act) => {
    const { api, client } = await start(busyOnce(code, { "retry-after": "1" }));
    const startedAt = performance.now();
    expect(await act(client)).toEqual(found);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
    expect(api.requests).toHaveLength(2);
  });

  it.each([
    ["a create after 503: it may have happened", 503, soon],
    ["what comes without Retry-After", 429, {}],
    ["a plain 500", 500, {}],
  ])("does not repeat %s", async (_, code, headers) => {
    const { api, client } = await start(busyOnce(code, headers as Record<string, string>));
    expect((await caught(client.create(CONFIG_MAPS, found))).status).toBe(code);
    expect(api.requests).toHaveLength(1);
  });

  it("gives up after four tries and says when to come back", async () => {
    const { api, client } = await start((_, response) => sendRefusal(response, 429, "TooManyRequests", soon));
    const error = await caught(client.get(CONFIG_MAPS, KEY));
    expect(isTooManyRequests(error)).toBe(true);
    expect(error.retryAfterMs).toBe(20);
    expect(api.requests).toHaveLength(4);
  });
});

describe("lists", () => {
  it("joins all pages and completes each item's kind", async () => {
    const { apiVersion: _, kind: __, ...bare } = configMapAt("b", 2);
    const { api, client } = await start(({ query }, response) =>
      sendJson(
        response,
        200,
        query.get("continue") === "second"
          ? listOf([bare as never], 9)
          : listOf([configMapAt("a", 1)], 9, "second"),
      ),
    );
    const { items, resourceVersion } = await client.list(CONFIG_MAPS, { labelSelector: "app=x" });
    expect(items.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([
      ["ConfigMap", "a"],
      ["ConfigMap", "b"],
    ]);
    expect(resourceVersion).toBe("9");
    expect(api.requests.map(({ query }) => query.get("labelSelector"))).toEqual(["app=x", "app=x"]);
    expect(api.requests[0]?.query.get("limit")).toBe("500");
  });

  it("lists in one piece when pages expire between two of them", async () => {
    const { client } = await start(({ query }, response) => {
      if (query.has("continue")) sendRefusal(response, 410, "Expired");
      else if (query.has("limit")) sendJson(response, 200, listOf([configMapAt("a", 1)], 9, "second"));
      else sendJson(response, 200, listOf([configMapAt("a", 1), configMapAt("b", 2)], 12));
    });
    const { items, resourceVersion } = await client.list(CONFIG_MAPS);
    expect(items).toHaveLength(2);
    expect(resourceVersion).toBe("12");
  });
});

describe("what goes over the wire", () => {
  it("applies as the manager that it was told, with force", async () => {
    const { api, client } = await start((_, response) => sendJson(response, 200, found));
    await client.apply(CONFIG_MAPS, found, { fieldManager: "catalyst-operator", subresource: "status" });
    const [seen] = api.requests;
    expect(seen).toMatchObject({
      method: "PATCH",
      path: "/api/v1/namespaces/default/configmaps/settings/status",
    });
    expect(seen?.query.toString()).toBe("fieldManager=catalyst-operator&force=true");
    expect(seen?.headers["content-type"]).toBe("application/apply-patch+yaml");
  });

  it("deletes with its preconditions", async () => {
    const { api, client } = await start((_, response) => sendJson(response, 200, {}));
    expect(await client.delete(CONFIG_MAPS, KEY, { uid: "u", propagationPolicy: "Foreground" })).toBe(true);
    expect(api.requests[0]?.body).toMatchObject({
      propagationPolicy: "Foreground",
      preconditions: { uid: "u" },
    });
  });

  it.each(["..", ".", ""])("refuses the name '%s', which would address something else", async (name) => {
    const { api, client } = await start((_, response) => sendJson(response, 200, found));
    await expect(client.get(SECRETS, { name, namespace: "default" })).rejects.toThrow(
      "is not a valid object name",
    );
    await expect(client.get(SECRETS, { name: "a", namespace: name })).rejects.toThrow(
      "is not a valid object name",
    );
    expect(api.requests).toEqual([]);
  });

  it("keeps a name with a slash one segment", async () => {
    const { api, client } = await start((_, response) => sendRefusal(response, 404, "NotFound"));
    await client.get(SECRETS, { name: "a/../../b?x=1", namespace: "default" });
    expect(api.requests[0]?.path).toBe("/api/v1/namespaces/default/secrets/a%2F..%2F..%2Fb%3Fx%3D1");
  });
});
