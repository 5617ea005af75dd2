import type { KubernetesObject } from "../../../src/api/object.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { sleep } from "../../../src/platform/shutdown.ts";

/**
 * How the events of watches arrive. `stale`: late. `reordered`: each at another time, so that events of one kind overtake
 * those of another kind. Of two successive events about different objects, the second one arrives first. `dropped`: some
 * never arrive. The API server then ends the watch with a 410, as it does after it has compacted the missed events.
 */
export const DISTURBANCES = ["stale", "reordered", "dropped"] as const;
export type Disturbance = (typeof DISTURBANCES)[number];

const STALE_MS = 300;
const REORDERED_MS = 150;
/** The share of events that never arrive. */
const DROPPED_SHARE = 0.15;

/** `disturbed` counts the events that arrived late, reordered or never. */
export function disturbWatches(
  client: KubeClient,
  disturbance: Disturbance,
  random: (bound: number) => number,
): { client: KubeClient; disturbed(): number } {
  let disturbed = 0;
  const count = <T>(value: T): T => {
    disturbed += 1;
    return value;
  };

  const disturb: Record<
    Disturbance,
    (lines: AsyncGenerator<string>, signal: AbortSignal) => AsyncGenerator<string>
  > = {
    async *stale(lines, signal) {
      for await (const line of delayed(lines, () => STALE_MS, signal)) yield count(line);
    },
    async *reordered(lines, signal) {
      let held: string | undefined;
      for await (const line of delayed(lines, () => random(REORDERED_MS), signal)) {
        if (held !== undefined && isOrdered(held, line)) {
          yield held;
          yield line;
          held = undefined;
        } else if (held !== undefined) {
          yield count(line);
          yield held;
          held = undefined;
        } else if (random(3) === 0 && !isBookmark(line)) held = line;
        else yield line;
      }
      if (held !== undefined) yield held;
    },
    async *dropped(lines) {
      for await (const line of lines) {
        if (isBookmark(line) || random(100) >= DROPPED_SHARE * 100) {
          yield line;
          continue;
        }
        yield count(GONE);
        return;
      }
    },
  };

  return {
    disturbed: () => disturbed,
    client: {
      ...client,
      async openWatch(path, query, options) {
        const stream = await client.openWatch(path, query, options);
        return bytesOf(disturb[disturbance](linesOf(stream), options.signal));
      },
    },
  };
}

const GONE = JSON.stringify({
  type: "ERROR",
  object: { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" },
});

interface Event {
  type: string;
  object: KubernetesObject;
}

const isBookmark = (line: string) => (JSON.parse(line) as Event).type === "BOOKMARK";

/**
 * Whether the second event must not overtake the first, because it is about the same object or moves the position of
 * the watch.
 */
function isOrdered(first: string, second: string): boolean {
  const [one, other] = [first, second].map((line) => (JSON.parse(line) as Event).object.metadata);
  return isBookmark(second) || (one?.namespace === other?.namespace && one?.name === other?.name);
}

/** Delays each line by this much, and keeps their order. The wait for one line does not delay the others. */
async function* delayed(
  lines: AsyncGenerator<string>,
  lagMs: () => number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const queue: { line: string; dueAt: number }[] = [];
  let wake = Promise.withResolvers<void>();
  let isOver = false;
  const reading = (async () => {
    for await (const line of lines) {
      queue.push({ line, dueAt: performance.now() + lagMs() });
      wake.resolve();
    }
  })().finally(() => {
    isOver = true;
    wake.resolve();
  });
  reading.catch(() => undefined);
  for (;;) {
    const next = queue.shift();
    if (next !== undefined) {
      await sleep(Math.max(0, next.dueAt - performance.now()), signal);
      yield next.line;
    } else if (isOver) break;
    else {
      await wake.promise;
      wake = Promise.withResolvers();
    }
  }
  await reading;
}

async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = String(parts.pop());
    for (const line of parts) if (line !== "") yield line;
  }
}

async function* bytesOf(lines: AsyncGenerator<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const line of lines) yield encoder.encode(`${line}\n`);
}
