import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";

/** A sweep settles at most this many items of one kind. */
export const MAX_DUE = 200;
/** After this many failures in a row, the processor counts as down, and the other items wait for the next sweep. */
const AWAY_AFTER = 3;
/** Metadata can wait, and the payments of the next sweep wait for this one. So it begins no other item after this time. */
export const MAX_NAMING_MS = 10_000;

/** Settles one item after the other, and begins none after `maxMs`. Failed items wait for a later sweep; the first error is thrown at the end. */
export type DueLoop = <T extends object>(
  next: () => Promise<T | undefined>,
  settle: (due: T) => Promise<void>,
  maxMs?: number,
) => Promise<void>;

export function createDueLoop(logger: Logger): DueLoop {
  return async (next, settle, maxMs = Number.POSITIVE_INFINITY) => {
    const until = performance.now() + maxMs;
    const faults: unknown[] = [];
    let inARow = 0;
    for (let count = 0; count < MAX_DUE && inARow < AWAY_AFTER && performance.now() < until; count += 1) {
      const due = await next();
      if (due === undefined) break;
      try {
        await settle(due);
        inARow = 0;
      } catch (error) {
        logger.warn({ due, reason: errorMessage(error) }, "a request to the payment processor failed");
        faults.push(error);
        inARow += 1;
      }
    }
    if (faults.length > 0) throw faults[0];
  };
}
