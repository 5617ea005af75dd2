import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
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
import { describeFailure } from "../../../src/kube/failure.ts";
import { CONFIG_MAPS, NAMESPACES, SECRETS } from "../../../src/kube/resource.ts";
import {
  configMapAt,
  listOf,
  type Script,
  sendJson,
  sendRefusal,
} from "../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../support/server/scripted-client.ts";

const start = useScriptedClients();
const KEY = { name: "settings", namespace: "default" };
const found = configMapAt("settings", 7);
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as KubeError,
  );

describe("the client's errors", () => {
  it.each([
    [404, "NotFound", isNotFound],
    [409, "Conflict", isConflict],
    [409, "AlreadyExists", isAlreadyExists],
    [410, "Expired", isGone],
    [403, "Forbidden", isForbidden],
    [422, "Invalid", isInvalid],
    [429, "TooManyRequests", isTooManyRequests],
  ])("classifies %i %s by its status and reason", async (code, reason, is) => {
    const { client } = await start((_, response) => sendRefusal(response, code, reason));
    const error = await caught(client.create(CONFIG_MAPS, found));
    expect(is(error)).toBe(true);
    expect(error).toMatchObject({ status: code, reason });
    const others = [isNotFound, isConflict, isAlreadyExists, isGone, isForbidden, isInvalid, isUnreachable];
    expect(others.filter((other) => other !== is && other(error))).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["message", { message: {} }],
    ["reason", { reason: [] }],
    ["details", { details: "x" }],
    ["causes", { details: { causes: "x" } }],
    ["each cause", { details: { causes: [null, 7, { field: {}, message: "kept" }] } }],
    ["pause", { details: { retryAfterSeconds: "soon" } }],
    ["whole body", []],
  ])("are texts and lists whatever form the answer's %s has", async (_what, body) => {
    const { client } = await start((_, response) => sendJson(response, 422, body as object));
    const error = await caught(client.replace(CONFIG_MAPS, found));
    expect([typeof error.serverMessage, typeof error.reason]).toEqual(["string", "string"]);
    expect(error.causes.flatMap((cause) => Object.values(cause)).every((it) => it === "kept")).toBe(true);
    expect(error.retryAfterMs).toBeUndefined();
    expect(describeFailure(error, 3)?.message).toContain("the API server answers 422");
  });

  it("gives undefined for an object that does not exist, and false for deleting it", async () => {
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

  it("calls a server unreachable that does not listen", async () => {
    const { api, client } = await start(() => {});
    await api.close();
    expect(isUnreachable(await caught(client.get(CONFIG_MAPS, KEY)))).toBe(true);
  });

  it("reports an answer that is not JSON", async () => {
    const { client } = await start((_, response) => void response.end("<html>"));
    expect(await caught(client.get(CONFIG_MAPS, KEY))).toMatchObject({ status: 200, reason: "Unreadable" });
  });

  it("ends a call with the caller's abort reason, not as an unreachable server", async () => {
    const { client } = await start(() => {});
    const abort = new AbortController();
    const path = "/api/v1/namespaces/default/configmaps/settings";
    const call = caught(client.request({ method: "GET", path, signal: abort.signal }));
    setTimeout(() => abort.abort(), 20);
    expect(await call).not.toBeInstanceOf(KubeError);
  });

  it.each([
    ["no JSON", "<html>"],
    ["null", "null"],
    ["a list", "[]"],
  ])("gives the status alone when the body of a refusal is %s", async (_, body) => {
    const { client } = await start((_request, response) => {
      response.writeHead(502);
      response.end(body);
    });
    const error = await caught(client.get(CONFIG_MAPS, KEY));
    expect(error).toMatchObject({ status: 502, reason: "Unknown", causes: [], retryAfterMs: undefined });
    expect(error.message).toBe("GET /api/v1/namespaces/default/configmaps/settings: status 502");
  });

  it("rejects when a read or a deletion is refused for another reason than absence", async () => {
    const { client } = await start((_, response) => sendRefusal(response, 403, "Forbidden"));
    expect(isForbidden(await caught(client.get(CONFIG_MAPS, KEY)))).toBe(true);
    expect(isForbidden(await caught(client.delete(CONFIG_MAPS, KEY)))).toBe(true);
    expect(isForbidden(await caught(client.list(CONFIG_MAPS)))).toBe(true);
  });

  it("keeps the token out of its errors", async () => {
    const { client } = await start((_, response) => sendRefusal(response, 500, "InternalError"));
    const error = await caught(client.get(CONFIG_MAPS, KEY));
    expect(JSON.stringify(error) + error.message + error.stack).not.toContain("scripted");
  });
});

describe("the client's lists", () => {
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

  it("reads a list without items as empty", async () => {
    const { client } = await start((_, response) =>
      sendJson(response, 200, { items: null, metadata: { resourceVersion: "3" } }),
    );
    expect(await client.list(CONFIG_MAPS, { namespace: "default" })).toEqual({
      items: [],
      resourceVersion: "3",
    });
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

describe("a client with a limit for answers", () => {
  const startLimited = (script: Script) => start(script, undefined, { maxAnswerBytes: 2_000 });
  const long = { ...found, data: { text: "x".repeat(2_000) } };

  it("reads an answer within the limit", async () => {
    const { client } = await startLimited((_, response) => sendJson(response, 200, found));
    expect(await client.get(CONFIG_MAPS, KEY)).toEqual(found);
  });

  it.each([200, 500])("fails when an answer %i is longer, and the next call works", async (status) => {
    let calls = 0;
    const { client } = await startLimited((_, response) => {
      calls += 1;
      sendJson(response, calls === 1 ? status : 200, calls === 1 ? long : found);
    });
    const error = await caught(client.get(CONFIG_MAPS, KEY));
    expect([error.status, error.reason]).toEqual([0, "Unreachable"]);
    expect(error.message).toContain("the answer is longer than 2000 bytes");
    expect(await client.get(CONFIG_MAPS, KEY)).toEqual(found);
  });

  it("stops reading an answer without end", async () => {
    let sent = 0;
    const { client } = await startLimited((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const send = setInterval(() => {
        sent += 1;
        response.write("[".repeat(1_000));
      }, 5);
      response.once("close", () => clearInterval(send));
    });
    expect((await caught(client.get(CONFIG_MAPS, KEY))).message).toContain("longer than 2000 bytes");
    expect(sent).toBeLessThan(100);
  });

  it("lists in one piece, and fails when the server sends a part", async () => {
    const { api, client } = await startLimited((_, response) =>
      sendJson(response, 200, api.requests.length > 1 ? listOf([found], 9, "more") : listOf([found], 9)),
    );
    expect((await client.list(CONFIG_MAPS)).items).toHaveLength(1);
    await expect(client.list(CONFIG_MAPS)).rejects.toThrow(
      "the server sent a part of its configmaps, and was asked for all",
    );
    expect(api.requests.map(({ query }) => query.has("limit"))).toEqual([false, false]);
  });
});

describe("the client's requests", () => {
  it("apply with the given field manager, and with force", async () => {
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

  it("delete with preconditions", async () => {
    const { api, client } = await start((_, response) => sendJson(response, 200, {}));
    expect(await client.delete(CONFIG_MAPS, KEY, { uid: "u", propagationPolicy: "Foreground" })).toBe(true);
    expect(api.requests[0]?.body).toMatchObject({
      propagationPolicy: "Foreground",
      preconditions: { uid: "u" },
    });
  });

  it.each(["..", ".", ""])("refuse the name '%s', which would address another resource", async (name) => {
    const { api, client } = await start((_, response) => sendJson(response, 200, found));
    await expect(client.get(SECRETS, { name, namespace: "default" })).rejects.toThrow(
      "is not a valid object name",
    );
    await expect(client.get(SECRETS, { name: "a", namespace: name })).rejects.toThrow(
      "is not a valid object name",
    );
    expect(api.requests).toEqual([]);
  });

  it("keep a name with a slash in one segment", async () => {
    const { api, client } = await start((_, response) => sendRefusal(response, 404, "NotFound"));
    await client.get(SECRETS, { name: "a/../../b?x=1", namespace: "default" });
    expect(api.requests[0]?.path).toBe("/api/v1/namespaces/default/secrets/a%2F..%2F..%2Fb%3Fx%3D1");
  });

  it("create a cluster-scoped object outside any namespace", async () => {
    const { api, client } = await start((_, response) => sendJson(response, 201, {}));
    const namespace: KubernetesObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: "a" } };
    await client.create(NAMESPACES, namespace);
    expect(api.requests).toMatchObject([{ method: "POST", path: "/api/v1/namespaces", body: namespace }]);
  });

  it.each([
    [undefined, { expirationSeconds: 600 }],
    [["vault"], { expirationSeconds: 600, audiences: ["vault"] }],
  ])("ask for a token with audiences %s", async (audiences, spec) => {
    const status = { token: "t", expirationTimestamp: "2026-01-01T00:00:00Z" };
    const { api, client } = await start((_, response) => sendJson(response, 201, { status }));
    expect(await client.createToken(KEY, 600, audiences)).toEqual(status);
    expect(api.requests[0]?.body).toMatchObject({ kind: "TokenRequest", spec });
    const [request] = api.requests.map(({ body }) => body as { spec: object });
    expect(request?.spec).toEqual(spec);
  });

  it("open a watch without a query", async () => {
    const { api, client } = await start((_, response) => void response.end("bytes"));
    const chunks: Uint8Array[] = [];
    for await (const chunk of await client.openWatch("/log", undefined, {
      signal: new AbortController().signal,
    }))
      chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe("bytes");
    expect(api.requests[0]?.query.toString()).toBe("");
  });

  it("accept nothing but metadata when a list or a watch asks for it", async () => {
    const { api, client } = await start((_, response) => sendJson(response, 200, { metadata: {} }));
    await client.list(CONFIG_MAPS, { metadataOnly: true });
    await client.openWatch("/watch", {}, { metadataOnly: true, signal: new AbortController().signal });
    expect(api.requests.map(({ headers }) => headers.accept)).toEqual([
      "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
      "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    ]);
  });

  it("write nothing in a dry run, and may leave fields to other managers", async () => {
    const { api, client } = await start((_, response) => sendJson(response, 200, found));
    await client.apply(CONFIG_MAPS, found, { fieldManager: "m", force: false, dryRun: true });
    expect(api.requests[0]?.query.toString()).toBe("fieldManager=m&force=false&dryRun=All");
  });
});
