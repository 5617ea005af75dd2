const SECOND = 1;
const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const YEAR = 365 * DAY;

/** An age as kubectl shows it, two units at most: `45s`, `3m12s`, `5h`, `2d4h`, `1y30d`. */
export function humanDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < -1) return "<invalid>";
  if (whole <= 0) return "0s";
  if (whole < 2 * MINUTE) return `${whole}s`;
  if (whole < 10 * MINUTE) return two(whole, MINUTE, "m", SECOND, "s");
  if (whole < 3 * HOUR) return `${Math.floor(whole / MINUTE)}m`;
  if (whole < 8 * HOUR) return two(whole, HOUR, "h", MINUTE, "m");
  if (whole < 2 * DAY) return `${Math.floor(whole / HOUR)}h`;
  if (whole < 8 * DAY) return two(whole, DAY, "d", HOUR, "h");
  if (whole < 2 * YEAR) return `${Math.floor(whole / DAY)}d`;
  if (whole < 8 * YEAR) return two(whole, YEAR, "y", DAY, "d");
  return `${Math.floor(whole / YEAR)}y`;
}

function two(seconds: number, unit: number, name: string, part: number, partName: string): string {
  const rest = Math.floor((seconds % unit) / part);
  return `${Math.floor(seconds / unit)}${name}${rest === 0 ? "" : `${rest}${partName}`}`;
}

/** The age of a timestamp; `<unknown>` where there is none, as kubectl shows it. */
export function ageOf(timestamp: unknown, now: Date): string {
  if (typeof timestamp !== "string") return "<unknown>";
  const at = Date.parse(timestamp);
  return Number.isNaN(at) ? "<unknown>" : humanDuration((now.getTime() - at) / 1000);
}
