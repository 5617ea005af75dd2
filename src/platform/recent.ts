/**
 * Whether `atMs` is less than `spanMs` before `nowMs`. A time in the future, after the clock was set back, is not: it would
 * otherwise count as recent until the clock reaches it again.
 */
export function isRecent(atMs: number, nowMs: number, spanMs: number): boolean {
  const ageMs = nowMs - atMs;
  return ageMs >= 0 && ageMs < spanMs;
}
