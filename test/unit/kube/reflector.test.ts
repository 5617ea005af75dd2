import { describe, expect, it } from "vitest";
import { configMapAt, listOf, refusal, sendJson, watchLine } from "../../support/server/scripted-api.ts";
import {
  type Answer,
  idle,
  lists,
  refuses,
  says,
  saysAndBreaks,
  useScriptedInformers,
} from "../../support/server/scripted-informer.ts";
import { until } from "../../support/wait.ts";

const follow = useScriptedInformers();

describe("runReflector", () => {
  it("continues from the last event after the watch broke, and reports no event twice", async () => {
    const { received, counts, watchesFrom } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [
        saysAndBreaks(watchLine("ADDED", configMapAt("b", 6)), watchLine("MODIFIED", configMapAt("a", 7))),
        says(watchLine("MODIFIED", configMapAt("a", 7)), watchLine("ADDED", configMapAt("c", 8))),
      ],
    });
    await until(() => received.includes("added c=8"), "the event after the break");
    expect(received).toEqual(["added a=1", "added b=6", "updated a=7", "added c=8"]);
    expect(watchesFrom()).toEqual(["5", "7"]);
    expect(counts.lists).toBe(1);
  });

  it("reports the objects of a page before it has the next one", async () => {
    const { received, informer } = await follow({
      lists: [
        (_, response) => sendJson(response, 200, listOf([configMapAt("a", 1)], 9, "second")),
        refuses(500, "InternalError"),
      ],
      watches: [idle],
    });
    await until(() => received.length === 1, "the first page");
    expect([received, informer.isSynced()]).toEqual([["added a=1"], false]);
  });

  it("deletes an object that a list had before the server made it start again", async () => {
    const { received, informer } = await follow({
      lists: [
        (_, response) => sendJson(response, 200, listOf([configMapAt("a", 1)], 9, "second")),
        refuses(410, "Expired"),
        lists([configMapAt("b", 11)], 12),
      ],
      watches: [idle],
    });
    await informer.synced;
    expect(received).toEqual(["added a=1", "added b=11", "deleted a=1"]);
    expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(["b"]);
  });

  it("continues from a bookmark", async () => {
    const bookmark = watchLine("BOOKMARK", { kind: "ConfigMap", metadata: { resourceVersion: "900" } });
    const { received, counts, watchesFrom } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [saysAndBreaks(bookmark), idle],
    });
    await until(() => counts.watches === 2, "the second watch");
    expect(watchesFrom()).toEqual(["5", "900"]);
    expect(received).toEqual(["added a=1"]);
  });

  it("ignores an incomplete line at the end of a broken watch", async () => {
    const line = watchLine("ADDED", configMapAt("b", 6));
    const { received, watchesFrom } = await follow({
      lists: [lists([], 5)],
      watches: [saysAndBreaks(line.slice(0, 40)), says(line)],
    });
    await until(() => received.length === 1, "the complete event");
    expect(received).toEqual(["added b=6"]);
    expect(watchesFrom()).toEqual(["5", "5"]);
  });

  it("ends a watch that sends a line without end, and reports it", async () => {
    const { received, counts } = await follow({
      lists: [lists([], 5)],
      watches: [
        (_, response) => {
          response.writeHead(200);
          response.write("x".repeat(8 * 1_024 * 1_024 + 1));
        },
        says(watchLine("ADDED", configMapAt("b", 6))),
      ],
    });
    await until(() => received.length === 1, "the event of the second watch");
    expect(counts.watches).toBe(2);
  });

  it("reads a line that arrives in pieces, cut within a letter", async () => {
    const bytes = Buffer.from(watchLine("ADDED", configMapAt("b", 6, { word: "عُمان" })));
    const middle = bytes.indexOf(Buffer.from("ع")) + 1;
    const { informer, received } = await follow({
      lists: [lists([], 5)],
      watches: [
        (_, response) => {
          response.writeHead(200);
          response.write(bytes.subarray(0, middle));
          setTimeout(() => response.write(bytes.subarray(middle)), 20);
        },
      ],
    });
    await until(() => received.length === 1, "the event");
    expect(informer.get("default/b")?.data.word).toBe("عُمان");
  });

  it.each<[string, Answer]>([
    ["refuses the watch", refuses(410, "Expired")],
    ["reports it within the watch", says(watchLine("ERROR", refusal(410, "Expired")))],
  ])("lists again when a server that compacted its position %s, and reports deletions", async (_, gone) => {
    const { informer, received, watchesFrom } = await follow({
      lists: [
        lists([configMapAt("a", 1), configMapAt("b", 2), configMapAt("c", 3)], 5),
        lists([configMapAt("a", 1), configMapAt("c", 20), configMapAt("d", 21)], 30),
      ],
      watches: [gone, idle],
    });
    await until(() => watchesFrom().length === 2, "the second watch");
    expect(received.slice(3)).toEqual(["updated c=20", "added d=21", "deleted b=2"]);
    expect(informer.list()).toHaveLength(3);
    expect(watchesFrom()).toEqual(["5", "30"]);
  });

  it("detects in a list the changes that the server never sent", async () => {
    const { informer, received } = await follow({
      lists: [lists([configMapAt("a", 1)], 5), lists([configMapAt("b", 6)], 9)],
      // Both events are lost. The server sends a later bookmark, and then reports that its history is gone.
      watches: [
        says(
          watchLine("BOOKMARK", { metadata: { resourceVersion: "8" } }),
          watchLine("ERROR", refusal(410, "Expired")),
        ),
        idle,
      ],
    });
    await until(() => received.length === 3, "what was lost");
    expect(received).toEqual(["added a=1", "added b=6", "deleted a=1"]);
    expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(["b"]);
  });

  it("requests bookmarks, a timeout and the selectors", async () => {
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

  it("ignores empty lines between events", async () => {
    const { received } = await follow({
      lists: [lists([], 5)],
      watches: [
        says("\n", watchLine("ADDED", configMapAt("a", 6)), "\n\n", watchLine("ADDED", configMapAt("b", 7))),
      ],
    });
    await until(() => received.length === 2, "two events");
    expect(received).toEqual(["added a=6", "added b=7"]);
  });
});
