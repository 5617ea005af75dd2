import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";

export interface ConfigurationFile<T> {
  name: string;
  /** Undefined while the file does not exist. */
  read: () => string | undefined;
  parse: (json: unknown) => T;
  /** Parsed in place of a file that does not exist. Default: an empty object. */
  absent?: object;
  /** Whether the last valid value stays in use while the text is invalid. Default: true. */
  keepsLast?: boolean;
  /** The error to throw when no valid value is left. Default: `absent` is used instead. */
  refuse?: (reason: string) => Error;
  logger: Logger;
}

/**
 * Reads a file of a Sovereign's ConfigMap. The text is parsed when it changes, not at each use. The same text therefore
 * gives the same value, and callers can cache what they derive from it. An invalid text is logged once, with the rule that
 * it breaks and never with its content.
 */
export function createConfigurationFile<T>(file: ConfigurationFile<T>): () => T {
  const { name, read, parse, absent = {}, keepsLast = true, refuse, logger } = file;
  let current: { text: string | undefined; value: () => T } | undefined;
  let last: { value: T } | undefined;

  function use(text: string | undefined): () => T {
    try {
      const value = parse(text === undefined ? absent : JSON.parse(text));
      last = { value };
      return () => value;
    } catch (error) {
      // The message of a SyntaxError quotes the text.
      const reason = error instanceof SyntaxError ? "not valid JSON" : errorMessage(error);
      logger.error({ file: name, reason }, "a configuration file of a Sovereign is invalid");
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
