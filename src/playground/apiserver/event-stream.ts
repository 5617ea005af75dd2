import type { ServerResponse } from "node:http";
import type { JsonObject } from "./object.ts";

/**
 * The most events that may wait for a slow watcher. Beyond it the stream ends. The client reconnects and continues from
 * there.
 */
const MAX_BACKLOG = 5_000;

export interface EventStream {
  /** `make` is called when the event is written, so that a waiting event costs a reference and not its text. */
  push(kind: string, make: () => JsonObject): void;
  /** Ends the response after every event that was pushed before. */
  end(): void;
}

/** Writes JSON events, one per line, and waits for slow readers. */
export function createEventStream(response: ServerResponse, initialCount: number): EventStream {
  const waiting: { kind: string; make: () => JsonObject }[] = [];
  let next = 0;
  let blocked = false;
  let ending = false;

  function pump(): void {
    while (!blocked && next < waiting.length && !response.destroyed) {
      const { kind, make } = waiting[next++] as (typeof waiting)[number];
      blocked = !response.write(`${JSON.stringify({ type: kind, object: make() })}\n`);
    }
    if (next === waiting.length) {
      waiting.length = 0;
      next = 0;
      if (ending && !response.writableEnded) response.end();
    }
  }

  response.on("drain", () => {
    blocked = false;
    pump();
  });

  return {
    push(kind, make) {
      if (ending || response.destroyed) return;
      waiting.push({ kind, make });
      if (waiting.length - next > initialCount + MAX_BACKLOG) response.destroy();
      else pump();
    },
    end() {
      ending = true;
      pump();
    },
  };
}
