import { readFileSync } from "node:fs";
import { UsageError } from "./errors.ts";

export const MIN_KEY_BYTES = 32;

export const isLongKey = (value: string): boolean => Buffer.byteLength(value.trim()) >= MIN_KEY_BYTES;

export const isDatabaseUrl = (value: string): boolean =>
  ["postgres:", "postgresql:"].includes(URL.parse(value)?.protocol ?? "");

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads settings from an environment. An empty variable counts as absent. Every variable `NAME` may come
 * from a file named by `NAME_FILE` (one trailing newline is dropped); naming both is an error.
 * Errors are `UsageError`s that name the variable, never its value. Where a flag gave the value, `nameOf` returns that flag.
 */
export function createEnvReader(
  env: Env,
  readFile: (path: string) => string = (p) => readFileSync(p, "utf8"),
  nameOf: (variable: string) => string = (variable) => variable,
) {
  function optional(name: string): string | undefined {
    const direct = env[name] || undefined;
    const path = env[`${name}_FILE`] || undefined;
    if (path === undefined) return direct;
    if (direct !== undefined) throw new UsageError(`${name} and ${name}_FILE are both set: keep one`);
    try {
      return readFile(path).replace(/\r?\n$/, "") || undefined;
    } catch {
      throw new UsageError(`${name}_FILE names a file that cannot be read: ${path}`);
    }
  }

  function required(name: string): string {
    const value = optional(name);
    if (value === undefined) throw new UsageError(`${name} is required: set it, or ${name}_FILE`);
    return value;
  }

  function httpUrl(name: string): string | undefined {
    const url = optional(name);
    if (url !== undefined && !["http:", "https:"].includes(URL.parse(url)?.protocol ?? ""))
      throw new UsageError(`${nameOf(name)} must be an http or https URL`);
    return url;
  }

  /** A secret of 32 bytes or more. Blanks around it are part of the secret, but do not count for its length. */
  function key(name: string): string | undefined {
    const value = optional(name);
    if (value !== undefined && !isLongKey(value)) {
      throw new UsageError(
        `${nameOf(name)} must have at least ${MIN_KEY_BYTES} bytes, blanks around it not counted: generate a longer one, or leave it out`,
      );
    }
    return value;
  }

  /** The URL of a PostgreSQL database, from `DATABASE_URL`. */
  function databaseUrl(name = "DATABASE_URL"): string {
    const url = required(name);
    if (!isDatabaseUrl(url)) throw new UsageError(`${nameOf(name)} must be a postgres:// URL`);
    return url;
  }

  /** A whole number within `[min, max]`. */
  function integer(name: string, fallback: number, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    const text = optional(name);
    if (text === undefined) return fallback;
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new UsageError(`${nameOf(name)} must be a whole number from ${min} to ${max}`);
    }
    return value;
  }

  /** One of these words. */
  function oneOf<T extends string>(name: string, words: readonly T[], fallback: T): T {
    const text = optional(name) ?? fallback;
    const found = words.find((word) => word === text);
    if (found === undefined) throw new UsageError(`${nameOf(name)} must be one of ${words.join(", ")}`);
    return found;
  }

  /** Comma-separated items. Blanks around items and empty items are dropped. */
  function list(name: string): string[] {
    return (optional(name) ?? "")
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
  }

  return { optional, required, key, httpUrl, databaseUrl, integer, oneOf, list, nameOf };
}

export type EnvReader = ReturnType<typeof createEnvReader>;
