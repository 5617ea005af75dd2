import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { configMapAt, refusal, watchLine } from "../../support/server/scripted-api.ts";
import {
  type Answer,
  idle,
  lists,
  refuses,
  says,
  useScriptedInformers,
} from "../../support/server/scripted-informer.ts";
import { until } from "../../support/wait.ts";

const follow = useScriptedInformers();

describe("the back-off of runReflector", () => {
  it("does not delay the list after a 410, also after failures that made the back-off long", async () => {
    const open: ServerResponse[] = [];
    const opens: Answer = (request, response) => {
      open.push(response);
      idle(request, response);
    };
    const { counts } = await follow(
      { lists: [lists([], 5)], watches: [refuses(500, "InternalError"), opens, idle] },
      { pace: { firstBackoffMs: 2_000, maxBackoffMs: 60_000 } },
    );
    await until(() => open.length === 1, "the watch after the failure");
    open[0]?.write(watchLine("ERROR", refusal(410, "Expired")));
    const goneAt = performance.now();
    await until(() => counts.lists === 2, "the second list");
    // The next pause would be 4 seconds.
    expect(performance.now() - goneAt).toBeLessThan(3_000);
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
      { pace: { firstBackoffMs: 400, maxBackoffMs: 60_000, silenceMs: 30_000 } },
    );
    await until(() => times.length === 5, "the watch after the break");
    // After three failures, the next pause would be 3.2 seconds.
    expect((times[4] ?? 0) - (times[3] ?? 0) - 1_100).toBeLessThan(2_500);
  });

  it("slows down while lists and watches are refused", async () => {
    const { informer, counts } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [refuses(410, "Expired")],
    });
    await informer.synced;
    await until(() => counts.lists > 3, "the back-off's first steps");
    const [before, startedAt] = [counts.lists, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 400));
    // By now one in 40 ms, a quarter sooner or later. On a busy machine, the timer fires late.
    expect(counts.lists - before).toBeLessThanOrEqual(1 + (performance.now() - startedAt) / 30);
  });

  it("slows down while watches end at once", async () => {
    const { informer, counts } = await follow({
      lists: [lists([], 5)],
      watches: [(_, response) => void response.end()],
    });
    await informer.synced;
    await until(() => counts.watches > 3, "the back-off's first steps");
    const [before, startedAt] = [counts.watches, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 400));
    // By now one in 40 ms, a quarter sooner or later. On a busy machine, the timer fires late.
    expect(counts.watches - before).toBeLessThanOrEqual(1 + (performance.now() - startedAt) / 30);
  });

  it.each<[string, Answer]>([
    ["500", refuses(500, "InternalError")],
    ["429", refuses(429, "TooManyRequests", { "retry-after": "0.01" })],
    ["a cut connection", (_, response) => void response.socket?.destroy()],
    ["an answer that is not JSON", (_, response) => void response.end("<html>")],
  ])("ends when a list succeeds after failures: %s", async (_, fails) => {
    const { informer, received } = await follow({
      lists: [...Array.from({ length: 6 }, () => fails), lists([configMapAt("a", 1)], 5)],
      watches: [idle],
    });
    await informer.synced;
    expect(received).toEqual(["added a=1"]);
  });

  it.each<[string, Answer]>([
    ["500", refuses(500, "InternalError")],
    ["429", refuses(429, "TooManyRequests", { "retry-after": "0" })],
    ["a line that is not JSON", says("{nonsense}\n")],
    ["another error", says(watchLine("ERROR", refusal(500, "InternalError")))],
  ])("keeps its position and objects after failed watches: %s", async (_, fails) => {
    const { received, counts } = await follow({
      lists: [lists([configMapAt("a", 1)], 5)],
      watches: [fails, fails, fails, says(watchLine("ADDED", configMapAt("b", 6)))],
    });
    await until(() => received.includes("added b=6"), "the event after the failures");
    expect(received).toEqual(["added a=1", "added b=6"]);
    expect(counts.lists).toBe(1);
  });

  it("lasts as long as Retry-After says", async () => {
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

  it("lasts as long as an error within the watch says", async () => {
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
});
