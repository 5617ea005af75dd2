import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createKubeClient } from "../../../src/kube/client.ts";
import { createInformer, type Informer, type InformerOptions } from "../../../src/kube/informer.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import {
  configMapAt,
  listOf,
  refusal,
  type SeenRequest,
  sendJson,
  sendRefusal,
  startScriptedApi,
  type TestConfigMap,
  until,
  watchLine,
} from "../../support/server/scripted-api.ts";

type Answer = (request: SeenRequest, response: ServerResponse) => void;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const PACE = { firstBackoffMs: 5, maxBackoffMs: 40, silenceMs: 150 };

/**
 * An informer on a server that answers the n-th list and the n-th watch as told; the last answer goes on for ever.
 * `said` holds what handlers heard: `added a=1` for an object a at resourceVersion 1.
 */
async function follow(
  script: { lists: Answer[]; watches: Answer[] },
  options: InformerOptions<TestConfigMap> = {},
) {
  const counts = { lists: 0, watches: 0 };
  const api = await startScriptedApi((request, response) => {
    const isWatch = request.query.get("watch") === "true";
    const answers = isWatch ? script.watches : script.lists;
    const at = isWatch ? counts.watches++ : counts.lists++;
    answers[Math.min(at, answers.length - 1)]?.(request, response);
  });
  const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
  const informer: Informer<TestConfigMap> = createInformer<TestConfigMap>(
    { client, logger: createLogger("test", "silent") },
    CONFIG_MAPS,
    { pace: PACE, ...options },
  );
  const said: string[] = [];
  informer.onChange(({ kind, object }) =>
    said.push(`${kind} ${object.metadata.name}=${object.metadata.resourceVersion}`),
  );
  const abort = new AbortController();
  const running = informer.run(abort.signal);
  cleanups.push(async () => {
    abort.abort();
    await running;
    await client.close();
    await api.close();
  });
  const watchesFrom = () =>
    api.requests.filter(({ query }) => query.has("watch")).map(({ query }) => query.get("resourceVersion"));
  return { api, informer, said, counts, watchesFrom };
}

const lists =
  (items: TestConfigMap[], resourceVersion: number): Answer =>
  (_, response) =>
    sendJson(response, 200, listOf(items, resourceVersion));

/** A watch that says these lines and stays open. */
const says =
  (...lines: string[]): Answer =>
  (_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const line of lines) response.write(line);
  };

/** A watch that says these lines and whose connection then breaks. */
const saysAndBreaks =
  (...lines: string[]): Answer =>
  (request, response) => {
    says(...lines)(request, response);
    setTimeout(() => response.socket?.destroy(), 10);
  };

const refuses =
  (code: number, reason: string, headers = {}): Answer =>
  (_, response) =>
    sendRefusal(response, code, reason, headers);

const idle = says();

describe("an informer", () => {
  it("tells what is there, and then what changes", async () => {
    const { informer, said } = await follow({
      lists: [lists([configMapAt("a", 1), configMapAt("b", 2)], 5)],
      watches: [
        says(
          watchLine("ADDED", configMapAt("c", 6)),
          watchLine("MODIFIED", configMapAt("a", 7)),
          watchLine("DELETED", configMapAt("b", 8)),
        ),
      ],
    });
    await informer.synced;
    await until(() => said.length === 5, "five events");
    expect(said).toEqual(["added a=1", "added b=2", "added c=6", "updated a=7", "deleted b=2"]);
    expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(["a", "c"]);
    expect(informer.get("default/a")?.metadata.resourceVersion).toBe("7");
  });

  it("finds objects by index, as they are now", async () => {
    const { informer, said } = await follow(
      {
        lists: [lists([configMapAt("a", 1, { app: "x" }), configMapAt("b", 2, { app: "x" })], 5)],
        watches: [
          says(
            watchLine("MODIFIED", configMapAt("a", 6, { app: "y" })),
            watchLine("DELETED", configMapAt("b", 7, { app: "x" })),
          ),
        ],
      },
      { indexes: { app: ({ data }) => [data.app ?? ""] } },
    );
    await until(() => said.length === 4, "four events");
    expect(informer.byIndex("app", "x")).toEqual([]);
    expect(informer.byIndex("app", "y").map(({ metadata }) => metadata.name)).toEqual(["a"]);
  });

  it("drops managedFields, which would be most of its memory", async () => {
    const bulky = configMapAt("a", 1);
    Object.assign(bulky.metadata, { managedFields: [{ manager: "m", fieldsV1: {} }] });
    const { informer } = await follow({ lists: [lists([bulky], 1)], watches: [idle] });
    await informer.synced;
    expect(informer.get("default/a")?.metadata).not.toHaveProperty("managedFields");
  });

  it("goes on from the last event when the watch breaks, and tells nothing twice", async () => {
    const { said, counts, watchesFrom } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [
        saysAndBreaks(watchLine("ADDED", configMapAt("b", 6)), watchLine("MODIFIED", configMapAt("a", 7))),
        says(watchLine("MODIFIED", configMapAt("a", 7)), watchLine("ADDED", configMapAt("c", 8))),
      ],
    });
    await until(() => said.includes("added c=8"), "the event after the break");
    expect(said).toEqual(["added a=1", "added b=6", "updated a=7", "added c=8"]);
    expect(watchesFrom()).toEqual(["5", "7"]);
    expect(counts.lists).toBe(1);
  });

  it("goes on from a bookmark", async () => {
    const bookmark = watchLine("BOOKMARK", { kind: "ConfigMap", metadata: { resourceVersion: "900" } });
    const { said, counts, watchesFrom } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [saysAndBreaks(bookmark), idle],
    });
    await until(() => counts.watches === 2, "the second watch");
    expect(watchesFrom()).toEqual(["5", "900"]);
    expect(said).toEqual(["added a=1"]);
  });

  it("drops half a line at the end of a broken watch", async () => {
    const line = watchLine("ADDED", configMapAt("b", 6));
    const { said, watchesFrom } = await follow({
      lists: [lists([], 5)],
      watches: [saysAndBreaks(line.slice(0, 40)), says(line)],
    });
    await until(() => said.length === 1, "the event, said in full");
    expect(said).toEqual(["added b=6"]);
    expect(watchesFrom()).toEqual(["5", "5"]);
  });

  it("reads a line that comes in pieces, cut through a letter", async () => {
    const bytes = Buffer.from(watchLine("ADDED", configMapAt("b", 6, { word: "عُمان" })));
    const middle = bytes.indexOf(Buffer.from("ع")) + 1;
    const { informer, said } = await follow({
      lists: [lists([], 5)],
      watches: [
        (_, response) => {
          response.writeHead(200);
          response.write(bytes.subarray(0, middle));
          setTimeout(() => response.write(bytes.subarray(middle)), 20);
        },
      ],
    });
    await until(() => said.length === 1, "the event");
    expect(informer.get("default/b")?.data.word).toBe("عُمان");
  });

  it.each<[string, Answer]>([
    ["refuses the watch", refuses(410, "Expired")],
    ["says so within the watch", says(watchLine("ERROR", refusal(410, "Expired")))],
  ])("lists anew when a server that forgot its position %s, and tells what went away", async (_, gone) => {
    const { informer, said, watchesFrom } = await follow({
      lists: [
        lists([configMapAt("a", 1), configMapAt("b", 2), configMapAt("c", 3)], 5),
        lists([configMapAt("a", 1), configMapAt("c", 20), configMapAt("d", 21)], 30),
      ],
      watches: [gone, idle],
    });
    await until(() => watchesFrom().length === 2, "the second watch");
    expect(said.slice(3)).toEqual(["deleted b=2", "updated c=20", "added d=21"]);
    expect(informer.list()).toHaveLength(3);
    expect(watchesFrom()).toEqual(["5", "30"]);
  });

  it("tells both events when an object was deleted and made anew while nobody watched", async () => {
    const { said } = await follow({
      lists: [lists([configMapAt("a", 1)], 5), lists([configMapAt("a", 20, {}, "another-uid")], 30)],
      watches: [refuses(410, "Expired"), idle],
    });
    await until(() => said.length === 3, "deletion and creation");
    expect(said).toEqual(["added a=1", "deleted a=1", "added a=20"]);
  });

  it("finds out by a list what a server never said", async () => {
    const { informer, said } = await follow({
      lists: [lists([configMapAt("a", 1)], 5), lists([configMapAt("b", 6)], 9)],
      // Both events are lost; all that comes is a later bookmark and, much later, the word that history is gone.
      watches: [
        says(
          watchLine("BOOKMARK", { metadata: { resourceVersion: "8" } }),
          watchLine("ERROR", refusal(410, "Expired")),
        ),
        idle,
      ],
    });
    await until(() => said.length === 3, "what was lost");
    expect(said).toEqual(["added a=1", "deleted a=1", "added b=6"]);
    expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(["b"]);
  });

  it("does not turn in circles while lists and watches go on being refused", async () => {
    const { informer, counts } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [refuses(410, "Expired")],
    });
    await informer.synced;
    await until(() => counts.lists > 3, "the back-off's first steps");
    const before = counts.lists;
    await new Promise((resolve) => setTimeout(resolve, 400));
    // By now one in 40 ms, a quarter sooner or later.
    expect(counts.lists - before).toBeLessThanOrEqual(14);
  });

  it("does not turn in circles while watches end as soon as they begin", async () => {
    const { informer, counts } = await follow({
      lists: [lists([], 5)],
      watches: [(_, response) => void response.end()],
    });
    await informer.synced;
    await until(() => counts.watches > 3, "the back-off's first steps");
    const before = counts.watches;
    await new Promise((resolve) => setTimeout(resolve, 400));
    // By now one in 40 ms, a quarter sooner or later.
    expect(counts.watches - before).toBeLessThanOrEqual(14);
  });

  it.each<[string, Answer]>([
    ["500", refuses(500, "InternalError")],
    ["429", refuses(429, "TooManyRequests", { "retry-after": "0.01" })],
    ["a cut connection", (_, response) => void response.socket?.destroy()],
    ["something that is no JSON", (_, response) => void response.end("<html>")],
  ])("gets there after lists that failed with %s", async (_, fails) => {
    const { informer, said } = await follow({
      lists: [...Array.from({ length: 6 }, () => fails), lists([configMapAt("a", 1)], 5)],
      watches: [idle],
    });
    await informer.synced;
    expect(said).toEqual(["added a=1"]);
  });

  it.each<[string, Answer]>([
    ["500", refuses(500, "InternalError")],
    ["429", refuses(429, "TooManyRequests", { "retry-after": "0" })],
    ["no JSON", says("{nonsense}\n")],
    ["another error", says(watchLine("ERROR", refusal(500, "InternalError")))],
  ])("keeps its place and its objects over watches that failed with %s", async (_, fails) => {
    const { said, counts } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [fails, fails, fails, says(watchLine("ADDED", configMapAt("b", 6)))],
    });
    await until(() => said.includes("added b=6"), "the event after the failures");
    expect(said).toEqual(["added a=1", "added b=6"]);
    expect(counts.lists).toBe(1);
  });

  it("waits as long as Retry-After says", async () => {
    const times: number[] = [];
    const { informer } = await follow({
      lists: [lists([], 5)],
      watches: [
        (request, response) => {
          times.push(performance.now());
          refuses(429, "TooManyRequests", { "retry-after": "1" })(request, response);
        },
        (request, response) => {
          times.push(performance.now());
          idle(request, response);
        },
      ],
    });
    await informer.synced;
    await until(() => times.length === 2, "the second watch");
    const [first = 0, second = 0] = times;
    expect(second - first).toBeGreaterThan(700);
  });

  it("leaves a watch that has fallen silent", async () => {
    const { said, counts } = await follow({
      lists: [lists([], 5)],
      watches: [idle, says(watchLine("ADDED", configMapAt("b", 6)))],
    });
    await until(() => said.length === 1, "the second watch's event");
    expect(counts).toEqual({ lists: 1, watches: 2 });
  });

  it("stays with a watch that says bookmarks alone", async () => {
    const { counts } = await follow({
      lists: [lists([], 5)],
      watches: [
        (_, response) => {
          response.writeHead(200);
          const timer = setInterval(
            () => response.write(watchLine("BOOKMARK", { metadata: { resourceVersion: "6" } })),
            40,
          );
          response.on("close", () => clearInterval(timer));
        },
      ],
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(counts.watches).toBe(1);
  });

  it("spares the other handlers one that throws", async () => {
    const { informer, said, counts } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [says(watchLine("ADDED", configMapAt("b", 6)), watchLine("ADDED", configMapAt("c", 7)))],
    });
    informer.onChange(() => {
      throw new Error("a broken handler");
    });
    const later: string[] = [];
    informer.onChange(({ object }) => later.push(object.metadata.name));
    await until(() => later.length === 3, "three events");
    expect(said).toEqual(["added a=1", "added b=6", "added c=7"]);
    expect(counts).toEqual({ lists: 1, watches: 1 });
  });

  it("tells a late handler what is there, and none after its signal", async () => {
    const { informer } = await follow({ lists: [lists([configMapAt("a", 1)], 5)], watches: [idle] });
    await informer.synced;
    const heard: string[] = [];
    const abort = new AbortController();
    informer.onChange(({ object }) => heard.push(object.metadata.name), abort.signal);
    expect(heard).toEqual(["a"]);
    abort.abort();
    informer.onChange(({ object }) => heard.push(object.metadata.name), abort.signal);
    expect(heard).toEqual(["a"]);
  });

  it("asks for bookmarks, an end, and what was selected", async () => {
    const { api, counts } = await follow(
      { lists: [lists([], 5)], watches: [idle] },
      { namespace: "default", labelSelector: "app=x", fieldSelector: "metadata.name=a" },
    );
    await until(() => counts.watches === 1, "the watch");
    const watch = api.requests.at(-1);
    expect(watch?.path).toBe("/api/v1/namespaces/default/configmaps");
    const seconds = Number(watch?.query.get("timeoutSeconds"));
    expect(seconds).toBeGreaterThanOrEqual(290);
    expect(seconds).toBeLessThanOrEqual(319);
    expect(Object.fromEntries(watch?.query ?? [])).toMatchObject({
      allowWatchBookmarks: "true",
      labelSelector: "app=x",
      fieldSelector: "metadata.name=a",
    });
  });
});
