import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";

/**
 * What a file of a Sovereign's ConfigMap says, parsed when its text has changed and not at each use: the same text gives the
 * same value, so whoever keeps something made from it can tell. A text that cannot be used is told once in the log, by its
 * rule and never by its content.
 */
export function createConfigurationFile<T>(deps: {
  name: string;
  /** Undefined while the file is not there. */
  read: () => string | undefined;
  parse: (json: unknown) => T;
  /** Stands in for a file that is not there. */
  absent?: object;
  /** Whether the last good value goes on while the text cannot be used; left out: it does. */
  keepsLast?: boolean;
  /** What to throw then, when no value goes on; left out: `absent` stands in. */
  refuse?: (reason: string) => Error;
  logger: Logger;
}): () => T {
  const { name, read, parse, absent = {}, keepsLast = true, refuse, logger } = deps;
  let current: { text: string | undefined; value: () => T } | undefined;
  let last: { value: T } | undefined;

  function use(text: string | undefined): () => T {
    try {
      const value = parse(text === undefined ? absent : JSON.parse(text));
      last = { value };
      return () => value;
    } catch (error) {
      // A parser quotes what it could not parse.
      const reason = error instanceof SyntaxError ? "is no JSON" : errorMessage(error);
      logger.error({ file: name, reason }, "a Sovereign's configuration cannot be used");
      if (keepsLast && last !== undefined) return constant(last.value);
      if (refuse === undefined) return constant(parse(absent));
      return () => {
        throw refuse(reason);
      };
    }
  }

  return () => {
    const text = read();
    if (current === undefined || current.text !== text) current = { text, value: use(text) };
    return current.value();
  };
}

const constant =
  <T>(value: T) =>
  () =>
    value;
