import type { Environment } from "@marcbachmann/cel-js";
import { compilePattern, PatternError } from "../pattern.ts";
import type { Define } from "./define.ts";
import { formatTemplate, invalidArgument } from "./string-format.ts";

/** The strings and regex libraries. Positions count code points, as in Go. */
export function registerStrings(environment: Environment, define: Define): void {
  define("matches(string, string): bool", matches);
  define("string.k8s_matches(string): bool", matches);
  define("string.find(string): string", (text: string, pattern: string) => {
    return expression(pattern).exec(text)?.[0] ?? "";
  });
  define("string.findAll(string): list<string>", (text: string, pattern: string) =>
    findAll(text, pattern, -1n),
  );
  define("string.findAll(string, int): list<string>", findAll);

  define("string.k8s_lowerAscii(): string", (text: string) =>
    text.replace(/[A-Z]/g, (char) => char.toLowerCase()),
  );
  define("string.k8s_upperAscii(): string", (text: string) =>
    text.replace(/[a-z]/g, (char) => char.toUpperCase()),
  );
  define("string.charAt(int): string", (text: string, index: bigint) => {
    const points = [...text];
    return points[checkedIndex(index, points.length)] ?? "";
  });
  define("string.k8s_indexOf(string): int", (text: string, part: string) => indexOf(text, part, 0n));
  define("string.k8s_indexOf(string, int): int", indexOf);
  define("string.k8s_lastIndexOf(string): int", (text: string, part: string) =>
    lastIndexOf(text, part, BigInt([...text].length)),
  );
  define("string.k8s_lastIndexOf(string, int): int", lastIndexOf);
  define("string.k8s_substring(int): string", (text: string, start: bigint) => {
    const points = [...text];
    return points.slice(checkedIndex(start, points.length)).join("");
  });
  define("string.k8s_substring(int, int): string", (text: string, start: bigint, end: bigint) => {
    const points = [...text];
    const from = checkedIndex(start, points.length);
    const to = checkedIndex(end, points.length);
    if (from > to) throw invalidArgument(`invalid substring range. start: ${start}, end: ${end}`);
    return points.slice(from, to).join("");
  });
  define("string.replace(string, string): string", (text: string, old: string, replacement: string) =>
    text.replaceAll(old, () => replacement),
  );
  define(
    "string.replace(string, string, int): string",
    (text: string, old: string, replacement: string, limit: bigint) => {
      if (limit < 0n) return text.replaceAll(old, () => replacement);
      let rest = limit;
      return text.replaceAll(old, (match) => (rest-- > 0n ? replacement : match));
    },
  );
  define("string.k8s_split(string): list<string>", (text: string, separator: string) =>
    split(text, separator, -1n),
  );
  define("string.k8s_split(string, int): list<string>", split);
  define("list<string>.k8s_join(): string", (items: string[]) => items.join(""));
  define("list<string>.k8s_join(string): string", (items: string[], separator: string) =>
    items.join(separator),
  );
  define("string.format(list<dyn>): string", formatTemplate);

  class StringsNamespace {}
  environment.registerType("StringsNamespace", StringsNamespace);
  environment.registerConstant("strings", "StringsNamespace", new StringsNamespace());
  define("StringsNamespace.quote(string): string", (_: unknown, text: string) => JSON.stringify(text));
}

function expression(pattern: string): RegExp {
  try {
    return compilePattern(pattern);
  } catch (error) {
    if (error instanceof PatternError) throw invalidArgument(error.message);
    throw error;
  }
}

function matches(text: string, pattern: string): boolean {
  return expression(pattern).test(text);
}

function findAll(text: string, pattern: string, limit: bigint): string[] {
  const found = [...text.matchAll(new RegExp(expression(pattern), "gu"))].map(([match]) => match);
  return limit < 0n ? found : found.slice(0, Number(limit));
}

function checkedIndex(index: bigint, length: number): number {
  if (index < 0n || index > BigInt(length)) throw invalidArgument(`index out of range: ${index}`);
  return Number(index);
}

function indexOf(text: string, part: string, from: bigint): bigint {
  const points = [...text];
  const start = checkedIndex(from, points.length);
  const units = points.slice(0, start).join("").length;
  const found = text.indexOf(part, units);
  return found < 0 ? -1n : BigInt([...text.slice(0, found)].length);
}

function lastIndexOf(text: string, part: string, from: bigint): bigint {
  const points = [...text];
  const start = checkedIndex(from, points.length);
  const found = text.lastIndexOf(part, points.slice(0, start).join("").length);
  return found < 0 ? -1n : BigInt([...text.slice(0, found)].length);
}

function split(text: string, separator: string, limit: bigint): string[] {
  if (limit === 0n) return [];
  const parts = separator === "" ? [...text] : text.split(separator);
  const count = Number(limit);
  if (count < 0 || parts.length <= count) return parts;
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}
