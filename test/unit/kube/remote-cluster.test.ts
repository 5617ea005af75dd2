import { afterEach, describe, expect, it, vi } from "vitest";
import type { KubeClient } from "../../../src/kube/client.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { createRemoteCluster, type RemotePace, type RemoteState } from "../../../src/kube/remote-cluster.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { aborted } from "../../../src/platform/shutdown.ts";
import { NOW } from "../../support/builder/catalyst-object.ts";
import { eventually } from "../../support/wait.ts";

type Caches = { all: { synced: Promise<void>; run(signal: AbortSignal): Promise<void> }[] };
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const PACE: Partial<RemotePace> = { firstBackoffMs: 1, maxBackoffMs: 4, stableMs: 0 };

/** A cluster whose n-th identity is the n-th answer. The last answer repeats. */
function start(answers: (string | undefined | Error)[], pace: Partial<RemotePace> = {}) {
  const seen: string[] = [];
  const failures: ((error: unknown) => void)[] = [];
  const askedAtMs: number[] = [];
  let closed = 0;
  const describeState = (state: RemoteState<Caches>) => {
    if (state.kind === "reachable") return `reachable ${state.session.uid}`;
    if (state.kind === "unreachable")
      return `unreachable ${state.status} ${state.cause} ${state.since.toISOString()}`;
    return state.kind;
  };
  const cluster = createRemoteCluster<Caches>({
    connect: () =>
      ({
        async get() {
          askedAtMs.push(Date.now());
          const answer = answers[Math.min(askedAtMs.length, answers.length) - 1];
          if (answer instanceof Error) throw answer;
          return answer === undefined ? undefined : { metadata: { uid: answer } };
        },
        close: async () => void closed++,
      }) as unknown as KubeClient,
    openCaches(_client, onFailure) {
      failures.push(onFailure);
      return { all: [{ synced: Promise.resolve(), run: aborted }] };
    },
    onState(state) {
      const text = describeState(state);
      if (seen.at(-1) !== text) seen.push(text);
    },
    logger: createLogger("test", "silent"),
    now: () => (vi.isFakeTimers() ? new Date() : new Date(NOW)),
    pace: { ...PACE, ...pace },
  });
  const stop = new AbortController();
  const running = cluster.run(stop.signal);
  cleanups.push(async () => {
    stop.abort();
    await running;
    // Every client is closed, including the one of a session that never began.
    expect(closed).toBeGreaterThanOrEqual(failures.length);
  });
  return { cluster, seen, failures, askedAtMs, closed: () => closed };
}

const saw = (seen: string[], ...states: string[]) => eventually(() => expect(seen).toEqual(states));
const refused = new KubeError("GET /api: forbidden", {
  ...{ status: 403, reason: "Forbidden", serverMessage: "forbidden" },
});

describe("a remote cluster", () => {
  it("is connecting until its identity is known and its caches are loaded", async () => {
    const { cluster, seen } = start(["one"]);
    expect(cluster.state()).toEqual({ kind: "connecting" });
    await saw(seen, "reachable one");
    expect(cluster.state().kind).toBe("reachable");
  });

  it("opens another session when a watch fails", async () => {
    const { seen, failures, closed } = start(["one"]);
    await saw(seen, "reachable one");
    failures[0]?.(new Error("reset"));
    await saw(seen, "reachable one", "connecting", "reachable one");
    expect([failures.length, closed()]).toEqual([2, 1]);
  });

  it.each<[string, Error | undefined, string]>([
    ["it refuses the identity", refused, "403 forbidden"],
    ["it does not answer", new Error("reset"), "0 reset"],
    ["it answers at length", new Error("x".repeat(40_000)), `0 ${"x".repeat(1_024)}`],
    [
      "it has no identity",
      undefined,
      "0 it has no namespace kube-system, so it cannot be distinguished from other clusters",
    ],
  ])("is unreachable when %s, says since when, and is tried again", async (_what, answer, cause) => {
    const { seen } = start([answer, answer, "one"]);
    await saw(seen, `unreachable ${cause} ${NOW}`, "reachable one");
  });

  it("is tried about every 30 s for hours, says once since when, and is back within 38 s", async () => {
    vi.useFakeTimers();
    cleanups.push(async () => void vi.useRealTimers());
    const answers: (string | Error)[] = ["one", new Error("reset")];
    const { cluster, seen, failures, askedAtMs } = start(answers, {
      ...{ firstBackoffMs: 500, maxBackoffMs: 30_000, stableMs: 10_000 },
    });
    await vi.advanceTimersByTimeAsync(60_000);
    failures[0]?.(new Error("reset"));
    const awayAtMs = Date.now();
    await vi.advanceTimersByTimeAsync(6 * 3_600_000);
    expect(seen).toEqual([
      ...["reachable one", "connecting"],
      `unreachable 0 reset ${new Date(awayAtMs).toISOString()}`,
    ]);
    const settled = askedAtMs.filter((atMs) => atMs > awayAtMs + 120_000);
    const gapsMs = settled.slice(1).map((atMs, i) => atMs - (settled[i] ?? 0));
    expect(Math.min(...gapsMs)).toBeGreaterThanOrEqual(22_500);
    expect(Math.max(...gapsMs)).toBeLessThanOrEqual(37_500);
    answers.push("one");
    await vi.advanceTimersByTimeAsync(38_000);
    expect(cluster.state().kind).toBe("reachable");
  });

  it("says when the cause changes", async () => {
    const { seen } = start([new Error("reset"), refused, "one"]);
    await saw(seen, `unreachable 0 reset ${NOW}`, `unreachable 403 forbidden ${NOW}`, "reachable one");
  });

  it("ends the session when another cluster answers, or none does, although no watch fails", async () => {
    const { seen } = start(["one", "one", "two", "two", new Error("reset"), "two"], { identityMs: 1 });
    await eventually(() =>
      expect(seen.slice(0, 5)).toEqual([
        "reachable one",
        "connecting",
        "reachable two",
        "connecting",
        "reachable two",
      ]),
    );
  });

  it("waits before it repeats a session that ended at once", async () => {
    const { seen, failures } = start(["one"], { stableMs: 60_000, firstBackoffMs: 400, maxBackoffMs: 400 });
    await saw(seen, "reachable one");
    failures[0]?.(new Error("reset"));
    await saw(seen, "reachable one", "connecting");
    expect(failures).toHaveLength(1);
    await saw(seen, "reachable one", "connecting", "reachable one");
  });
});
