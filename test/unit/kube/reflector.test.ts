import type { ServerResponse } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { configMapAt, refusal, until, watchLine } from "../../support/server/scripted-api.ts";
import {
  type Answer,
  idle,
  lists,
  refuses,
  says,
  saysAndBreaks,
  useScriptedInformers,
} from "../../support/server/scripted-informer.ts";

const follow = useScriptedInformers();

describe("runReflector", () => {
  it("continues from the last event after the watch broke, and reports no event twice", async () => {
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

  it("continues from a bookmark", async () => {
    const bookmark = watchLine("BOOKMARK", { kind: "ConfigMap", metadata: { resourceVersion: "900" } });
    const { said, counts, watchesFrom } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [saysAndBreaks(bookmark), idle],
    });
    await until(() => counts.watches === 2, "the second watch");
    expect(watchesFrom()).toEqual(["5", "900"]);
    expect(said).toEqual(["added a=1"]);
  });

  it("ignores an incomplete line at the end of a broken watch", async () => {
    const line = watchLine("ADDED", configMapAt("b", 6));
    const { said, watchesFrom } = await follow({
      lists: [lists([], 5)],
      watches: [saysAndBreaks(line.slice(0, 40)), says(line)],
    });
    await until(() => said.length === 1, "the event, said in full");
    expect(said).toEqual(["added b=6"]);
    expect(watchesFrom()).toEqual(["5", "5"]);
  });

  it("ends a watch that sends a line without end, and reports it", async () => {
    const { said, counts } = await follow({
      lists: [lists([], 5)],
      watches: [
        (_, response) => {
          response.writeHead(200);
          response.write("x".repeat(8 * 1_024 * 1_024 + 1));
        },
        says(watchLine("ADDED", configMapAt("b", 6))),
      ],
    });
    await until(() => said.length === 1, "the event of the second watch");
    expect(counts.watches).toBe(2);
  });

  it("reads a line that arrives in pieces, cut within a letter", async () => {
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
    ["reports it within the watch", says(watchLine("ERROR", refusal(410, "Expired")))],
  ])("lists again when a server that compacted its position %s, and reports deletions", async (_, gone) => {
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

  it("lists at once after a 410, also after failures that made the back-off long", async () => {
    const open: ServerResponse[] = [];
    const opens: Answer = (request, response) => {
      open.push(response);
      idle(request, response);
    };
    const { counts } = await follow(
      { lists: [lists([], 5)], watches: [refuses(500, "InternalError"), opens, idle] },
      { pace: { firstBackoffMs: 50, maxBackoffMs: 60_000 } },
    );
    await until(() => open.length === 1, "the watch after the failure");
    open[0]?.write(watchLine("ERROR", refusal(410, "Expired")));
    const goneAt = performance.now();
    await until(() => counts.lists === 2, "the second list");
    expect(performance.now() - goneAt).toBeLessThan(1_000);
  });

  it("starts again from the first pause when a stream was open before it broke", async () => {
    const times: number[] = [];
    const breaksLater: Answer = (request, response) => {
      times.push(performance.now());
      idle(request, response);
      setTimeout(() => response.socket?.destroy(), 1_100);
    };
    const refusesNow: Answer = (request, response) => {
      times.push(performance.now());
      refuses(500, "InternalError")(request, response);
    };
    await follow(
      { lists: [lists([], 5)], watches: [refusesNow, refusesNow, refusesNow, breaksLater, breaksLater] },
      { pace: { firstBackoffMs: 100, maxBackoffMs: 60_000, silenceMs: 30_000 } },
    );
    await until(() => times.length === 5, "the watch after the break");
    // After three failures the next pause would be 800 ms.
    expect((times[4] ?? 0) - (times[3] ?? 0) - 1_100).toBeLessThan(500);
  });

  it("finds by a list the changes that a server never sent", async () => {
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

  it("backs off while lists and watches are refused", async () => {
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

  it("backs off while watches end at once", async () => {
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
    ["an answer that is not JSON", (_, response) => void response.end("<html>")],
  ])("loads the list after failures: %s", async (_, fails) => {
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
    ["a line that is not JSON", says("{nonsense}\n")],
    ["another error", says(watchLine("ERROR", refusal(500, "InternalError")))],
  ])("keeps its position and objects after failed watches: %s", async (_, fails) => {
    const { said, counts } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [fails, fails, fails, says(watchLine("ADDED", configMapAt("b", 6)))],
    });
    await until(() => said.includes("added b=6"), "the event after the failures");
    expect(said).toEqual(["added a=1", "added b=6"]);
    expect(counts.lists).toBe(1);
  });

  it("waits for the time of Retry-After", async () => {
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

  it("ends a watch without events and bookmarks", async () => {
    const { said, counts } = await follow(
      { lists: [lists([], 5)], watches: [idle, says(watchLine("ADDED", configMapAt("b", 6)))] },
      { pace: { silenceMs: 500 } },
    );
    await until(() => said.length === 1, "the second watch's event");
    expect(counts).toEqual({ lists: 1, watches: 2 });
  });

  it("keeps a watch that sends only bookmarks, until they stop", async () => {
    const silenceMs = 987;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const timers = vi.spyOn(globalThis, "setTimeout");
      // The reflector starts this timer with the watch, and again after each line.
      const linesRead = () => timers.mock.calls.filter(([, ms]) => ms === silenceMs).length - 1;
      let watch: ServerResponse | undefined;
      const opens: Answer = (request, response) => {
        watch = response;
        idle(request, response);
      };
      const { counts } = await follow(
        { lists: [lists([], 5)], watches: [opens, idle] },
        { pace: { silenceMs } },
      );
      await turnsUntil(() => watch !== undefined);
      for (let sent = 1; sent <= 3; sent += 1) {
        vi.advanceTimersByTime(silenceMs - 1);
        watch?.write(watchLine("BOOKMARK", { metadata: { resourceVersion: "6" } }));
        await turnsUntil(() => linesRead() === sent);
      }
      vi.advanceTimersByTime(silenceMs - 1);
      expect([watch?.closed, counts.watches]).toEqual([false, 1]);
      vi.advanceTimersByTime(1);
      await turnsUntil(() => watch?.closed === true);
    } finally {
      vi.restoreAllMocks();
      vi.useRealTimers();
    }
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
    const { said } = await follow({
      lists: [lists([], 5)],
      watches: [
        says("\n", watchLine("ADDED", configMapAt("a", 6)), "\n\n", watchLine("ADDED", configMapAt("b", 7))),
      ],
    });
    await until(() => said.length === 2, "two events");
    expect(said).toEqual(["added a=6", "added b=7"]);
  });

  it("waits for the time that an error within the watch names", async () => {
    const times: number[] = [];
    const later = refusal(429, "TooManyRequests", { retryAfterSeconds: 1 });
    const { informer } = await follow({
      lists: [lists([], 5)],
      watches: [
        (request, response) => {
          times.push(performance.now());
          says(watchLine("ERROR", later))(request, response);
        },
        (request, response) => {
          times.push(performance.now());
          idle(request, response);
        },
      ],
    });
    await informer.synced;
    await until(() => times.length === 2, "the second watch");
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(700);
  });

  it("watches again from the same position after a quiet watch has ended", async () => {
    const ends: Answer = (_, response) => {
      response.writeHead(200);
      response.flushHeaders();
      setTimeout(() => response.end(), 1_100);
    };
    const { watchesFrom } = await follow(
      { lists: [lists([], 5)], watches: [ends, idle] },
      { pace: { firstBackoffMs: 60_000, silenceMs: 5_000 } },
    );
    await until(() => watchesFrom().length === 2, "the second watch");
    expect(watchesFrom()).toEqual(["5", "5"]);
  });
});

/** Lets the event loop turn until something holds, with no timer of its own. */
async function turnsUntil(holds: () => boolean): Promise<void> {
  const startedAt = performance.now();
  while (!holds()) {
    if (performance.now() - startedAt > 15_000) throw new Error("waited in vain");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
