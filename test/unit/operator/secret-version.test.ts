import { afterEach, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { createKubeClient, type ListOptions } from "../../../src/kube/client.ts";
import type { InformerEvent } from "../../../src/kube/informer.ts";
import { keyOf, SECRETS } from "../../../src/kube/resource.ts";
import { loadNamedSecrets } from "../../../src/operator/secret-version.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { sovereign } from "../../support/builder/catalyst-object.ts";
import { cachesOf, fixedInformer } from "../../support/builder/reconcile-context.ts";
import { type Script, sendJson, sendRefusal, startScriptedApi } from "../../support/server/scripted-api.ts";
import { eventually } from "../../support/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const ONE = sovereign("one");
const secret = (name: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "sovereign-one", uid: `uid-${name}`, resourceVersion: "7" },
});
const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "sovereign-one" } };

/**
 * Starts the loader with an API server that runs `script`, and with a cache that has `known` and may lack the right to
 * watch.
 */
async function start(
  script: Script,
  {
    known = [],
    isSynced = true,
    namespaces = [namespace],
  }: {
    known?: KubernetesObject[];
    isSynced?: boolean;
    namespaces?: KubernetesObject[];
  } = {},
) {
  const api = await startScriptedApi(script);
  const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
  const stop = new AbortController();
  const caches = cachesOf({ sovereigns: [ONE], namespaces });
  const offered: string[] = [];
  const secretVersions = {
    ...fixedInformer<KubernetesObject>(SECRETS, known),
    isSynced: () => isSynced,
    offer: ({ metadata }: KubernetesObject) => void offered.push(keyOf(metadata)),
  };
  const running = loadNamedSecrets({
    ...{ client, sovereigns: caches.sovereigns, namespaces: caches.namespaces, secretVersions },
    ...{ logger: createLogger("test", "silent"), signal: stop.signal, retryMs: 10 },
  });
  cleanups.push(
    () => api.close(),
    () => client.close(),
    () => running,
    () => stop.abort(),
  );
  return { api, sovereigns: caches.sovereigns, offered };
}

/** Answers with the Secrets of this namespace that the field selector names. */
const having =
  (...names: string[]): Script =>
  ({ query }, response) =>
    sendJson(response, 200, {
      metadata: { resourceVersion: "9" },
      items: names.filter((name) => query.get("fieldSelector") === `metadata.name=${name}`).map(secret),
    });

describe("loadNamedSecrets", () => {
  it("loads the versions of Secrets that are older than the Sovereign that names them", async () => {
    const { api, sovereigns, offered } = await start(having("billing-db", "billing-jwt"));
    sovereigns.announce({ kind: "added", object: ONE });
    await eventually(() =>
      expect(offered).toEqual(["sovereign-one/billing-db", "sovereign-one/billing-jwt"]),
    );
    expect(api.requests.map(({ path }) => path.split("?")[0])).toEqual(
      Array(2).fill("/api/v1/namespaces/sovereign-one/secrets"),
    );
    expect(api.requests[0]?.headers.accept).toContain("as=PartialObjectMetadataList");
  });

  it("loads the Secrets that a changed Sovereign names, except those that the cache has", async () => {
    const { api, sovereigns, offered } = await start(having("billing-db", "billing-jwt"), {
      known: [secret("billing-db")],
    });
    sovereigns.announce({ kind: "updated", previous: ONE, object: ONE });
    await eventually(() => expect(offered).toEqual(["sovereign-one/billing-jwt"]));
    expect(api.requests).toHaveLength(1);
  });

  it("asks once for a Secret that does not exist, and once more when a Sovereign names it again", async () => {
    const asked: string[] = [];
    const list = async (_resource: unknown, { fieldSelector = "" }: ListOptions = {}) => {
      asked.push(fieldSelector.replace("metadata.name=", ""));
      return { items: [], resourceVersion: "9" };
    };
    const { sovereigns, namespaces } = cachesOf({ sovereigns: [ONE], namespaces: [namespace] });
    const stop = new AbortController();
    const running = loadNamedSecrets({
      ...{
        client: { list },
        sovereigns,
        namespaces,
        secretVersions: fixedInformer<KubernetesObject>(SECRETS),
      },
      ...{ logger: createLogger("test", "silent"), signal: stop.signal },
    });
    cleanups.push(
      () => running,
      () => stop.abort(),
    );
    const { billing } = ONE.spec;
    const elsewhere = sovereign("one", {
      billing: { ...billing, database: { secretRef: { name: "other-db", key: "uri" } } },
    });
    /** The requests after the event. Their answers arrive at once. */
    const askedAfter = async (event: InformerEvent<Sovereign>) => {
      sovereigns.announce(event);
      await new Promise(setImmediate);
      return asked.splice(0);
    };
    const both = ["billing-db", "billing-jwt"];
    expect(await askedAfter({ kind: "added", object: ONE })).toEqual(both);
    expect(await askedAfter({ kind: "updated", previous: ONE, object: ONE })).toEqual([]);
    // No Sovereign in the cache names the other Secret.
    expect(await askedAfter({ kind: "updated", previous: ONE, object: elsewhere })).toEqual([]);
    expect(await askedAfter({ kind: "updated", previous: elsewhere, object: ONE })).toEqual(["billing-db"]);
    expect(await askedAfter({ kind: "deleted", object: ONE })).toEqual([]);
    expect(await askedAfter({ kind: "added", object: ONE })).toEqual(both);
  });

  it("tries again when the API server refuses", async () => {
    let refusals = 0;
    const { sovereigns, offered } = await start((request, response) => {
      refusals += 1;
      if (refusals === 1) return sendRefusal(response, 403, "Forbidden");
      return having("billing-db")(request, response);
    });
    sovereigns.announce({ kind: "added", object: ONE });
    await eventually(() => expect(offered).toEqual(["sovereign-one/billing-db"]));
  });

  it.each<[string, Parameters<typeof start>[1], "added" | "deleted"]>([
    ["for a Sovereign without a namespace", { namespaces: [] }, "added"],
    ["where Secrets cannot be watched", { isSynced: false }, "added"],
    ["for a deleted Sovereign", {}, "deleted"],
  ])("sends no request %s", async (_, options, kind) => {
    const { api, sovereigns } = await start(having("billing-db"), options);
    sovereigns.announce({ kind, object: ONE });
    await new Promise((done) => setTimeout(done, 50));
    expect(api.requests).toEqual([]);
  });

  it("sends no request for a Sovereign that is deleted before its Secrets are loaded", async () => {
    const { api, sovereigns, offered } = await start(having("billing-db"));
    // This one is not in the cache.
    const gone = sovereign("gone", { namespace: "sovereign-one" });
    sovereigns.announce({
      kind: "added",
      object: {
        ...gone,
        spec: {
          ...gone.spec,
          billing: { ...gone.spec.billing, database: { secretRef: { name: "other-db", key: "uri" } } },
        },
      },
    });
    sovereigns.announce({ kind: "added", object: ONE });
    await eventually(() => expect(offered).toEqual(["sovereign-one/billing-db"]));
    expect(api.requests.some(({ path, query }) => `${path}${query}`.includes("other-db"))).toBe(false);
  });
});
