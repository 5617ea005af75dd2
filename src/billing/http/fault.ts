import pg from "pg";
import { errorMessage } from "../../platform/errors.ts";

// PostgreSQL's messages about data (22), constraints (23) and raised exceptions (P0) quote values, such as a voucher's code.
const QUOTES_VALUES = /^(22|23|P0)/;

/** An unexpected error as a log may show it: enough to find the place, and no value from a request. */
export function describeFault(error: unknown): Record<string, unknown> {
  // A parser's message quotes the text that it could not parse.
  if (error instanceof SyntaxError) return { reason: "an answer could not be parsed" };
  if (!(error instanceof pg.DatabaseError)) return { reason: errorMessage(error) };
  const { code = "", constraint, table, routine } = error;
  return {
    reason: QUOTES_VALUES.test(code) ? "the database rejected a value" : errorMessage(error),
    sqlstate: code,
    ...Object.fromEntries(
      Object.entries({ constraint, table, routine }).filter(([, name]) => name !== undefined),
    ),
  };
}

/** The stack without its first lines, which repeat the message. */
export function placesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { stack = "", message } = error;
  const places = stack.slice(stack.indexOf(message) + message.length);
  return places.split("\n").filter((line) => /^\s+at /.test(line));
}
