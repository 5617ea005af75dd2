import { readFileSync } from "node:fs";
import { UsageError } from "../platform/errors.ts";

/** Reads the bearer token in a file. */
export function readTokenFile(path: string): string {
  let token: string;
  try {
    token = readFileSync(path, "utf8").trim();
  } catch {
    throw new UsageError(`--token-file cannot be read: ${path}`);
  }
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError(`--token-file does not contain a token: ${path}`);
  return token;
}
