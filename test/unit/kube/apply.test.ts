import { describe, expect, it } from "vitest";
import type { ConfigMapObject, KubernetesObject } from "../../../src/api/object.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import { type SeenRequest, sendJson, sendRefusal } from "../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../support/server/scripted-client.ts";

const startClient = useScriptedClients();

const configMap = (data: Record<string, string>, metadata: object = {}): ConfigMapObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "settings", namespace: "default", uid: "u", ...metadata },
  data,
});
const newApplier = (client: Parameters<typeof createApplier>[0]["client"]) =>
  createApplier({ client, fieldManager: "us", now: () => new Date() });

/**
 * A server that holds one object. `answerDryRun` refuses a dry run, and `change` returns the object that the server stores
 * for a write.
 */
async function start(
  options: {
    answerDryRun?: [status: number, reason: string];
    change?: (object: ConfigMapObject) => ConfigMapObject;
  } = {},
) {
  const { answerDryRun, change = (object) => object } = options;
  let version = 0;
  let live: ConfigMapObject | undefined;
  const server = {
    set(object: ConfigMapObject | undefined) {
      version += 1;
      live = object && { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    },
    live: () => live,
    /** The next write is stored, and its answer never arrives. */
    losesAnswer: false,
  };
  const { api, client } = await startClient(({ method, query, body }: SeenRequest, response) => {
    if (query.get("dryRun") === "All" && answerDryRun !== undefined)
      return sendRefusal(response, ...answerDryRun);
    if (method === "DELETE") server.set(undefined);
    if (["PATCH", "POST"].includes(method) && !query.has("dryRun"))
      server.set(change(body as ConfigMapObject));
    if (method === "PATCH" && server.losesAnswer) {
      server.losesAnswer = false;
      return void response.socket?.destroy();
    }
    if (live === undefined) return sendRefusal(response, 404, "NotFound");
    return sendJson(response, 200, live);
  });
  const writes = () =>
    api.requests.filter(({ method, query }) => method !== "GET" && !query.has("dryRun")).length;
  const reads = () => api.requests.filter(({ method }) => method === "GET").length;
  return { client, server, writes, reads };
}

describe("createApplier", () => {
  it("corrects a difference when the server refuses dry runs because of a webhook with side effects", async () => {
    const { client, server } = await start({ answerDryRun: [400, "BadRequest"] });
    await newApplier(client).apply(configMap({ a: "ours" }), undefined);
    server.set({ ...(server.live() as ConfigMapObject), data: { a: "theirs" } });
    const applied = await newApplier(client).apply(configMap({ a: "ours" }), server.live());
    expect(applied).toMatchObject({ kind: "corrected", fields: ["data.a"] });
    expect(server.live()?.data).toEqual({ a: "ours" });
  });

  it("rejects when a dry run fails for another reason", async () => {
    const { client, server, writes } = await start({ answerDryRun: [403, "Forbidden"] });
    await newApplier(client).apply(configMap({ a: "ours" }), undefined);
    server.set({ ...(server.live() as ConfigMapObject), data: { a: "theirs" } });
    const before = writes();
    await expect(newApplier(client).apply(configMap({ a: "ours" }), server.live())).rejects.toMatchObject({
      reason: "Forbidden",
    });
    expect(writes()).toBe(before);
  });

  it("does not count an edit after a write whose answer was lost as drift, also when it undoes that write", async () => {
    const { client, server } = await start();
    const applier = newApplier(client);
    await applier.apply(configMap({ a: "one" }), undefined);
    server.losesAnswer = true;
    await expect(applier.apply(configMap({ a: "two" }), server.live())).rejects.toMatchObject({
      reason: "Unreachable",
    });
    expect(server.live()?.data).toEqual({ a: "two" });
    const reported: string[][] = [];
    const report = async (fields: string[]) => void reported.push(fields);
    expect((await applier.apply(configMap({ a: "one" }), server.live(), report)).kind).toBe("updated");
    expect(reported).toEqual([]);
  });

  it("corrects another client's change of an object after the answer to the last write was lost", async () => {
    const { client, server } = await start();
    const applier = newApplier(client);
    await applier.apply(configMap({ a: "one" }), undefined);
    server.losesAnswer = true;
    await expect(applier.apply(configMap({ a: "two" }), server.live())).rejects.toThrow();
    server.set({ ...(server.live() as ConfigMapObject), data: { a: "theirs" } });
    expect(await applier.apply(configMap({ a: "two" }), server.live())).toMatchObject({
      kind: "corrected",
      fields: ["data.a"],
    });
  });

  it("reports no change when the write changes nothing", async () => {
    const { client, server } = await startClientThatIgnoresWrites();
    const applied = await newApplier(client).apply(configMap({ a: "ours" }), server);
    expect(applied).toEqual({ kind: "unchanged", object: server });
  });

  it("creates a deleted object after forget, and corrects the deletion of any other", async () => {
    const { client, server } = await start();
    const applier = newApplier(client);
    const desired = configMap({ a: "ours" });
    expect((await applier.apply(desired, undefined)).kind).toBe("created");
    applier.forget(({ metadata }: KubernetesObject) => metadata.name === "other");
    server.set(undefined);
    expect((await applier.apply(desired, undefined)).kind).toBe("corrected");
    applier.forget(({ metadata }: KubernetesObject) => metadata.name === "settings");
    server.set(undefined);
    expect((await applier.apply(desired, undefined)).kind).toBe("created");
  });

  it("forgets an object by its kind, namespace, labels and owner", async () => {
    const { client, server } = await start();
    const applier = newApplier(client);
    const { metadata, ...rest } = configMap({ a: "ours" });
    const owner = { apiVersion: "v1", kind: "Namespace", name: "default", uid: "u-1" };
    const desired = { ...rest, metadata: { ...metadata, labels: { app: "x" }, ownerReferences: [owner] } };
    await applier.apply(desired, undefined);
    const seen: KubernetesObject[] = [];
    applier.forget((object) => seen.push(object) > 0);
    expect(seen).toMatchObject([
      {
        kind: "ConfigMap",
        metadata: {
          ...{ name: metadata.name, namespace: metadata.namespace },
          ...{ labels: { app: "x" }, ownerReferences: [owner] },
        },
      },
    ]);
    server.set(undefined);
    expect((await applier.apply(desired, undefined)).kind).toBe("created");
  });

  it("corrects an edit and a deletion once the cache has the last write, and nothing while the cache is stale", async () => {
    const { client, server, writes } = await start();
    const applier = newApplier(client);
    const desired = configMap({ a: "ours" });
    await applier.apply(configMap({ a: "earlier" }), undefined);
    const stale = server.live();
    await applier.apply(desired, stale);
    const before = writes();
    expect((await applier.apply(desired, stale)).kind).toBe("unchanged");
    expect((await applier.apply(desired, server.live())).kind).toBe("unchanged");
    expect(writes()).toBe(before);
    server.set({ ...(server.live() as ConfigMapObject), data: { a: "theirs" } });
    expect((await applier.apply(desired, server.live())).kind).toBe("corrected");
    await applier.apply(desired, server.live());
    server.set(undefined);
    expect((await applier.apply(desired, undefined)).kind).toBe("corrected");
    await applier.apply(desired, server.live());
    applier.forget(({ metadata }) => metadata.name === "settings");
    server.set(undefined);
    expect((await applier.apply(desired, undefined)).kind).toBe("created");
  });

  it("reads no object in a namespace that it created, until it has written the object there", async () => {
    const { client, server, reads } = await start();
    const applier = newApplier(client);
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } };
    expect((await applier.apply(namespace, undefined)).kind).toBe("created");
    server.set(undefined);
    const before = reads();
    expect((await applier.apply(configMap({ a: "ours" }), undefined)).kind).toBe("created");
    expect(reads()).toBe(before);
    server.set(undefined);
    expect((await applier.apply(configMap({ a: "ours" }), undefined)).kind).toBe("corrected");
    expect(reads()).toBe(before + 1);
    applier.forget(({ kind }) => kind === "Namespace");
    await applier.apply(configMap({ a: "ours" }, { name: "another" }), undefined);
    expect(reads()).toBe(before + 2);
  });

  it("does not read an object that the server has just reported as absent", async () => {
    const { client, server, reads } = await start();
    const applier = newApplier(client);
    expect((await applier.apply(configMap({ a: "ours" }), "absent")).kind).toBe("created");
    server.set(undefined);
    expect((await applier.apply(configMap({ a: "ours" }), "absent")).kind).toBe("corrected");
    expect(reads()).toBe(0);
  });

  it("reports the kinds that a namespace that it created does not have", async () => {
    const { client, server } = await start();
    const applier = newApplier(client);
    const known = () => [applier.isNew("default"), applier.hasNone("ConfigMap", "default")];
    expect(known()).toEqual([false, false]);
    await applier.create(configMap({ a: "elsewhere" }));
    server.set(undefined);
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } };
    await applier.apply(namespace, undefined);
    expect(known()).toEqual([true, true]);
    server.set(undefined);
    expect(await applier.create(configMap({ a: "ours" }))).toMatchObject({ data: { a: "ours" } });
    expect(known()).toEqual([true, false]);
    applier.forget(({ kind }) => kind === "Namespace");
    expect(known()).toEqual([false, false]);
  });

  it("keeps the digest that an object already has", async () => {
    const { client, server } = await start();
    const annotations = { "catalyst.openova.io/applied": "sha256:given" };
    const desired = configMap({ a: "ours" }, { annotations });
    await newApplier(client).apply(desired, undefined);
    expect(server.live()?.metadata.annotations).toEqual(annotations);
  });
});

async function startClientThatIgnoresWrites() {
  const server = configMap({ a: "theirs" }, { resourceVersion: "5" });
  const { client } = await startClient((_, response) => sendJson(response, 200, server));
  return { client, server };
}
