import type { Logger } from "./log.ts";

/** Closes the parts of a process in the reverse order of their start. */
export interface Closer {
  /** Registers a part that has started, and returns it. */
  add<T>(part: T, close: (part: T) => Promise<unknown>): T;
  /** Closes every part. A part that fails to close is logged and keeps no other part open. */
  close(): Promise<void>;
}

export function createCloser(logger: Logger): Closer {
  const closers: (() => Promise<unknown>)[] = [];
  return {
    add(part, close) {
      closers.unshift(() => close(part));
      return part;
    },
    async close() {
      for (const close of closers.splice(0))
        await close().catch((error: unknown) => logger.warn({ err: error }, "a part failed to close"));
    },
  };
}
