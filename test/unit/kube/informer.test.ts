import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { configMapAt, watchLine } from "../../support/server/scripted-api.ts";
import { idle, lists, refuses, says, useScriptedInformers } from "../../support/server/scripted-informer.ts";
import { until } from "../../support/wait.ts";

const follow = useScriptedInformers();

describe("an informer", () => {
  it("reports present objects, and then changes", async () => {
    const { informer, received } = await follow({
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
    await until(() => received.length === 5, "five events");
    expect(received).toEqual(["added a=1", "added b=2", "added c=6", "updated a=7", "deleted b=2"]);
    expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(["a", "c"]);
    expect(informer.get("default/a")?.metadata.resourceVersion).toBe("7");
  });

  it("finds objects by index after they changed", async () => {
    const { informer, received } = await follow(
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
    await until(() => received.length === 4, "four events");
    expect(informer.byIndex("app", "x")).toEqual([]);
    expect(informer.byIndex("app", "y").map(({ metadata }) => metadata.name)).toEqual(["a"]);
  });

  it("reports the same events, objects and indexes when it keeps its objects compressed", async () => {
    const many = Array.from({ length: 100 }, (_, index) => configMapAt(`n${index}`, index + 1, { app: "x" }));
    const changed = configMapAt("n0", 201, { app: "y" });
    const { informer, received } = await follow(
      {
        lists: [lists(many, 200)],
        watches: [says(watchLine("MODIFIED", changed), watchLine("DELETED", configMapAt("n1", 202)))],
      },
      { isCompact: true, indexes: { app: ({ data }) => [data.app ?? ""] } },
    );
    await until(() => received.length === 102, "all events");
    expect(received.slice(-3)).toEqual(["added n99=100", "updated n0=201", "deleted n1=2"]);
    expect(informer.get("default/n0")).toMatchObject({ kind: "ConfigMap", data: { app: "y" } });
    expect(informer.byIndex("app", "x")).toHaveLength(98);
    expect(informer.byIndex("app", "y").map(({ metadata }) => metadata.name)).toEqual(["n0"]);
    expect(informer.list()).toEqual([changed, ...many.slice(2)]);
  });

  it("finds one, several and again one object under a value, each once", async () => {
    const stages: string[] = [];
    const { informer, received } = await follow(
      {
        lists: [lists([configMapAt("a", 1, { app: "x" })], 5)],
        watches: [
          says(
            watchLine("MODIFIED", configMapAt("a", 6, { app: "x" })),
            watchLine("ADDED", configMapAt("b", 7, { app: "x" })),
            watchLine("ADDED", configMapAt("c", 8, { app: "x" })),
            watchLine("DELETED", configMapAt("a", 9, { app: "x" })),
            watchLine("MODIFIED", configMapAt("b", 10, { app: "y" })),
            watchLine("DELETED", configMapAt("c", 11, { app: "x" })),
          ),
        ],
      },
      { indexes: { app: ({ data }) => [data.app ?? "", data.app ?? ""] } },
    );
    informer.onChange(() =>
      stages.push(
        informer
          .byIndex("app", "x")
          .map(({ metadata }) => metadata.name)
          .join(""),
      ),
    );
    await until(() => received.length === 7, "seven events");
    expect(stages.slice(-6)).toEqual(["a", "ab", "abc", "bc", "c", ""]);
    expect(informer.byIndex("other", "x")).toEqual([]);
  });

  it("drops managedFields", async () => {
    const bulky = configMapAt("a", 1);
    Object.assign(bulky.metadata, { managedFields: [{ manager: "m", fieldsV1: {} }] });
    const { informer } = await follow({ lists: [lists([bulky], 1)], watches: [idle] });
    await informer.synced;
    expect(informer.get("default/a")?.metadata).not.toHaveProperty("managedFields");
  });

  it("reports a deletion and an addition when an object was deleted and created again between two lists", async () => {
    const { received } = await follow({
      lists: [lists([configMapAt("a", 1)], 5), lists([configMapAt("a", 20, {}, "another-uid")], 30)],
      watches: [refuses(410, "Expired"), idle],
    });
    await until(() => received.length === 3, "deletion and creation");
    expect(received).toEqual(["added a=1", "deleted a=1", "added a=20"]);
  });

  it("calls the other handlers when one throws", async () => {
    const { informer, received, counts } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [says(watchLine("ADDED", configMapAt("b", 6)), watchLine("ADDED", configMapAt("c", 7)))],
    });
    informer.onChange(() => {
      throw new Error("a broken handler");
    });
    const later: string[] = [];
    informer.onChange(({ object }) => later.push(object.metadata.name));
    await until(() => later.length === 3, "three events");
    expect(received).toEqual(["added a=1", "added b=6", "added c=7"]);
    expect(counts).toEqual({ lists: 1, watches: 1 });
  });

  it("reports present objects to a late handler, and nothing after its signal", async () => {
    const { informer } = await follow({ lists: [lists([configMapAt("a", 1)], 5)], watches: [idle] });
    await informer.synced;
    const seen: string[] = [];
    const abort = new AbortController();
    informer.onChange(({ object }) => seen.push(object.metadata.name), abort.signal);
    expect(seen).toEqual(["a"]);
    abort.abort();
    informer.onChange(({ object }) => seen.push(object.metadata.name), abort.signal);
    expect(seen).toEqual(["a"]);
  });

  it("keeps and reports only objects that are wanted at the time of their change", async () => {
    const wanted = new Set(["a", "b"]);
    const watch = Promise.withResolvers<ServerResponse>();
    const { informer, received } = await follow(
      {
        lists: [
          lists([configMapAt("a", 1), configMapAt("b", 2), configMapAt("c", 3), configMapAt("d", 4)], 5),
        ],
        watches: [
          (request, response) => {
            idle(request, response);
            watch.resolve(response);
          },
        ],
      },
      { isWanted: ({ metadata }) => wanted.has(metadata.name) },
    );
    const response = await watch.promise;
    expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
    wanted.delete("b");
    wanted.add("c").add("d");
    response.write(watchLine("MODIFIED", configMapAt("b", 6)));
    response.write(watchLine("MODIFIED", configMapAt("c", 7)));
    response.write(watchLine("DELETED", configMapAt("d", 8)));
    response.write(watchLine("DELETED", configMapAt("e", 9)));
    response.write(watchLine("MODIFIED", configMapAt("a", 10)));
    await until(() => received.includes("updated a=10"), "the last event");
    expect(received).toEqual(["added a=1", "added b=2", "added c=7", "deleted d=8", "updated a=10"]);
    expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(["a", "c"]);
  });

  it("adds an offered object that is now wanted, and keeps its own version of one that it has", async () => {
    const wanted = new Set(["a"]);
    const { informer, received } = await follow(
      { lists: [lists([configMapAt("a", 5), configMapAt("b", 2)], 5)], watches: [idle] },
      { isWanted: ({ metadata }) => wanted.has(metadata.name) },
    );
    await informer.synced;
    informer.offer(configMapAt("b", 2));
    wanted.add("b");
    informer.offer(configMapAt("b", 2));
    informer.offer(configMapAt("a", 4));
    expect(received).toEqual(["added a=5", "added b=2"]);
  });

  it("ignores the deletion of an object that it does not hold", async () => {
    const { received } = await follow({
      lists: [lists([], 5)],
      watches: [says(watchLine("DELETED", configMapAt("a", 6)), watchLine("ADDED", configMapAt("b", 7)))],
    });
    await until(() => received.length === 1, "the event");
    expect(received).toEqual(["added b=7"]);
  });
});
