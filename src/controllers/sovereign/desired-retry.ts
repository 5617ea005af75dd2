/** The shortest pause. With one of 15 s, a waiting fleet of 10,000 would make 667 reconciles per second. */
export const WATCHED_RETRY_MS = 60_000;
const MAX_RETRY_MS = 600_000;
/** The pause as a share of the time waited so far. */
const BACKOFF_SHARE = 0.25;

/**
 * When to reconcile again although a watch would report the change. The pause grows with the wait. It varies by a quarter,
 * so that a fleet does not reconcile all at once. `random` is from 0 to 1.
 */
export function desiredRetryMs(waitedMs: number, random: number): number {
  const backedOffMs = Math.min(Math.max(waitedMs * BACKOFF_SHARE, WATCHED_RETRY_MS), MAX_RETRY_MS);
  return Math.round(backedOffMs * (0.75 + random / 2));
}
