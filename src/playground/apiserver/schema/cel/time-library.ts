import type { Duration } from "@marcbachmann/cel-js/evaluator";
import { parseDuration } from "../format.ts";
import type { Define } from "./define.ts";
import { timestampText } from "./string-format.ts";

const TIMESTAMP = "google.protobuf.Timestamp";
const DURATION = "google.protobuf.Duration";

/** Conversions of timestamps and durations that the library leaves out. */
export function registerTimes(define: Define): void {
  define(`string(${TIMESTAMP}): string`, (time: Date) => timestampText(time));
  define(`string(${DURATION}): string`, (duration: Duration) => duration.toString());
  define(`int(${TIMESTAMP}): int`, (time: Date) => BigInt(Math.floor(time.getTime() / 1000)));
  define(`timestamp(${TIMESTAMP}): ${TIMESTAMP}`, (time: Date) => time);
  define(`duration(${DURATION}): ${DURATION}`, (duration: Duration) => duration);
  define("isDuration(string): bool", (text: string) => parseDuration(text) !== undefined);
}
