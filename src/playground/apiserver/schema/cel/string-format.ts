import { EvaluationError } from "@marcbachmann/cel-js";
import { Duration } from "@marcbachmann/cel-js/evaluator";
import { jsonOf } from "./value.ts";

export function invalidArgument(message: string): EvaluationError {
  return new EvaluationError({ code: "invalid_argument", message });
}

/** `%s %d %f %e %b %x %X %o %%` with an optional precision. */
export function formatTemplate(template: string, values: unknown[]): string {
  let next = 0;
  return template.replace(/%(?:\.(\d+))?(.)/gs, (_, precision: string | undefined, verb: string) => {
    if (verb === "%") return "%";
    if (next >= values.length) throw invalidArgument(`index ${next} out of range`);
    const format = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (format === undefined) {
      throw invalidArgument(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
    }
    const text = format(values[next++], precision === undefined ? 6 : Number(precision));
    if (text === undefined) throw invalidArgument(`error during formatting: unsupported value for %${verb}`);
    return text;
  });
}

/** Returns undefined for a value that the verb does not accept. */
type Format = (value: unknown, precision: number) => string | undefined;

const VERBS: Record<string, Format> = {
  s: displayed,
  d: (value) => inBase(value, 10),
  o: (value) => inBase(value, 8),
  b: (value) => (typeof value === "boolean" ? (value ? "1" : "0") : inBase(value, 2)),
  f: (value, precision) => (isNumber(value) ? Number(value).toFixed(precision) : undefined),
  e: (value, precision) => (isNumber(value) ? Number(value).toExponential(precision) : undefined),
  x: hexadecimal,
  X: (value) => hexadecimal(value)?.toUpperCase(),
};

function isNumber(value: unknown): boolean {
  return typeof value === "bigint" || typeof value === "number";
}

function inBase(value: unknown, base: number): string | undefined {
  return typeof value === "bigint" ? value.toString(base) : undefined;
}

function hexadecimal(value: unknown): string | undefined {
  return typeof value === "string" ? Buffer.from(value).toString("hex") : inBase(value, 16);
}

/** A value as `%s` and `string()` show it. */
function displayed(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Date) return timestampText(value);
  if (value instanceof Duration) return value.toString();
  if (Array.isArray(value)) return `[${value.map(displayed).join(", ")}]`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, member]) => `${displayed(key)}: ${displayed(member)}`).join(", ")}}`;
  }
  return String(jsonOf(value));
}

/** RFC 3339. Whole seconds have no fraction. */
export function timestampText(date: Date): string {
  return date.toISOString().replace(/\.000Z$/, "Z");
}
