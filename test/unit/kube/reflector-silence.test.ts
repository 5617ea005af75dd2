import type { ServerResponse } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { configMapAt, watchLine } from "../../support/server/scripted-api.ts";
import {
  type Answer,
  idle,
  lists,
  says,
  useScriptedInformers,
} from "../../support/server/scripted-informer.ts";
import { until } from "../../support/wait.ts";

const follow = useScriptedInformers();

describe("a quiet watch of runReflector", () => {
  it("ends when no event and no bookmark arrives", async () => {
    const { received, counts } = await follow(
      { lists: [lists([], 5)], watches: [idle, says(watchLine("ADDED", configMapAt("b", 6)))] },
      { pace: { silenceMs: 500 } },
    );
    await until(() => received.length === 1, "the second watch's event");
    expect(counts).toEqual({ lists: 1, watches: 2 });
  });

  it("continues while bookmarks arrive, and ends when they stop", async () => {
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

  it("is followed by a watch from the same position when the server ends it", async () => {
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

/** Runs the event loop until `holds` returns true. It uses no timer, because the timers are fake. */
async function turnsUntil(holds: () => boolean): Promise<void> {
  const startedAt = performance.now();
  while (!holds()) {
    if (performance.now() - startedAt > 15_000) throw new Error("waited in vain");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
