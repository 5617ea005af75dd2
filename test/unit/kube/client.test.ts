import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { CONFIG_MAPS, NAMESPACES, SECRETS } from "../../../src/kube/resource.ts";
import { configMapAt, sendJson, sendRefusal } from "../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../support/server/scripted-client.ts";

const start = useScriptedClients();
const KEY = { name: "settings", namespace: "default" };
const found = configMapAt("settings", 7);

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
    const stream = await client.openWatch("/log", undefined, { signal: new AbortController().signal });
    expect(await text(stream)).toBe("bytes");
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
