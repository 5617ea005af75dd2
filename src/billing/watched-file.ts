import { readFileSync, statSync } from "node:fs";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";

/**
 * A JSON file that may change while the process runs, as a mounted ConfigMap does by replacing a symbolic link. The first read
 * throws when the file is missing or invalid. A later read that fails keeps the last good value and logs that once for each
 * state of the file. Each call costs one `stat`.
 */
export function createWatchedFile<T>(path: string, parse: (json: unknown) => T, logger: Logger): () => T {
  let stamp = stampOf(path);
  let value = read();

  function read(): T {
    try {
      return parse(JSON.parse(readFileSync(path, "utf8")));
    } catch (cause) {
      throw new Error(`${path}: ${errorMessage(cause)}`, { cause });
    }
  }

  return () => {
    const next = stampOf(path);
    if (next === stamp) return value;
    stamp = next;
    try {
      value = read();
      logger.info({ path }, "a watched file changed and was read again");
    } catch (error) {
      logger.error(
        { reason: errorMessage(error) },
        "a watched file changed and cannot be used: keeping its previous content",
      );
    }
    return value;
  };
}

function stampOf(path: string): string {
  try {
    const { mtimeNs, ino, size, ctimeNs } = statSync(path, { bigint: true });
    return `${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch {
    return "unreadable";
  }
}
