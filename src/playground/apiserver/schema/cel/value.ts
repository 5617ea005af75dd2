import { Duration } from "@marcbachmann/cel-js/evaluator";
import { isRecord } from "../../object.ts";
import { isDateTime, parseFormattedDuration } from "../format.ts";
import type { JsonSchema } from "../json-schema.ts";

/**
 * JSON as CEL sees data of unknown shape: whole numbers are ints, objects are maps. Maps are JavaScript `Map`s, so that
 * members named `__proto__` or `constructor` are ordinary members.
 */
export function dynamicValue(json: unknown): unknown {
  if (typeof json === "number") return Number.isInteger(json) ? BigInt(json) : json;
  if (Array.isArray(json)) return json.map(dynamicValue);
  if (isRecord(json)) {
    return new Map(Object.entries(json).map(([name, member]) => [name, dynamicValue(member)]));
  }
  return json ?? null;
}

/** Converts a string by the format of its schema. An invalid value stays a string, and the rule fails on it. */
export function formattedString(text: string, schema: JsonSchema): unknown {
  switch (schema.format) {
    case "date-time":
    case "datetime":
      return isDateTime(text) ? new Date(text) : text;
    case "date": {
      const date = new Date(`${text}T00:00:00Z`);
      return Number.isNaN(date.getTime()) ? text : date;
    }
    case "duration": {
      const nanoseconds = parseFormattedDuration(text);
      return nanoseconds === undefined ? text : durationOf(nanoseconds);
    }
    case "byte":
      return new Uint8Array(Buffer.from(text, "base64"));
    default:
      return text;
  }
}

function durationOf(nanoseconds: bigint): Duration {
  return new Duration(nanoseconds / 1_000_000_000n, Number(nanoseconds % 1_000_000_000n));
}

/** Converts a value back to JSON, for messages. */
export function jsonOf(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, member]) => [String(key), jsonOf(member)]));
  if (value instanceof Date || value instanceof Duration) return String(value);
  return value;
}

/** Equality across CEL's types: numbers by value, lists in order, maps and objects by members. */
export function celEquals(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNumeric(a) && isNumeric(b)) {
    // With ==, a bigint and a double compare by value, as CEL requires.
    // biome-ignore lint/suspicious/noDoubleEquals: 1n == 1 is true, 1n === 1 is not
    return a == b;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => celEquals(item, b[index]));
  }
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, member]) => b.has(key) && celEquals(member, b.get(key)));
  }
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof Duration && b instanceof Duration) return a.seconds === b.seconds && a.nanos === b.nanos;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return false;
}

function isNumeric(value: unknown): value is bigint | number {
  return typeof value === "bigint" || typeof value === "number";
}
