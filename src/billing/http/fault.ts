import pg from "pg";
import { errorMessage } from "../../platform/errors.ts";

// What PostgreSQL says of data (22), constraints (23) and raised exceptions (P0) quotes values: a voucher's code, a user's id.
const QUOTES_VALUES = /^(22|23|P0)/;

/** What a log may say of an unexpected error: enough to find the place, and no value that a request brought. */
export function describeFault(error: unknown): Record<string, unknown> {
  // A parser quotes what it could not parse.
  if (error instanceof SyntaxError) return { reason: "an answer could not be parsed" };
  if (!(error instanceof pg.DatabaseError)) return { reason: errorMessage(error) };
  const { code = "", constraint, table, routine } = error;
  return {
    reason: QUOTES_VALUES.test(code) ? "the database refused a value" : errorMessage(error),
    sqlstate: code,
    ...Object.fromEntries(
      Object.entries({ constraint, table, routine }).filter(([, name]) => name !== undefined),
    ),
  };
}

/** The places alone: a stack's first lines repeat the message. */
export function placesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { stack = "", message } = error;
  const places = stack.slice(stack.indexOf(message) + message.length);
  return places.split("\n").filter((line) => /^\s+at /.test(line));
}
