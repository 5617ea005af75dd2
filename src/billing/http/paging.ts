import Type from "typebox";
import type { TimePosition } from "../db/time-position.ts";
import { RequestError } from "../errors.ts";

const PAGE_SIZE = 1_000;
export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: PAGE_SIZE, default: PAGE_SIZE }),
  cursor: Type.String({ maxLength: 2_000, description: "From the Link header of the previous page." }),
};

export function parseLimit(text: string | undefined): number {
  if (text === undefined) return PAGE_SIZE;
  const limit = Number(text);
  if (!/^\d{1,6}$/.test(text) || limit < 1 || limit > PAGE_SIZE)
    throw parameterError("limit", `must be a whole number from 1 to ${PAGE_SIZE}`);
  return limit;
}

/** The header of each paged answer. */
export const NEXT_PAGE = {
  Link: 'The next page, as `rel="next"`, relative to the requested address. Absent on the last page.',
};

/**
 * The header with the link to the next page; none without a cursor. Other undefined members are left out. The link is
 * relative to the requested address, so that it also works behind a proxy that adds a prefix to our paths.
 */
export function nextPageHeaders(
  members: { cursor: string | undefined } & Record<string, string | number | boolean | undefined>,
): Record<string, string> {
  if (members.cursor === undefined) return {};
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return { Link: `<?${query}>; rel="next"` };
}

export function parameterError(field: string, rule: string): RequestError {
  return new RequestError("request_invalid", `${field} ${rule}`, { fields: [{ field, rule }] });
}

export const cursorError = () =>
  parameterError("cursor", "must come from the Link header of the previous page");

// PostgreSQL's first day, and the last moment of year 9999, in microseconds since 1970.
const FIRST_MICROS = -210_866_803_200_000_000n;
const LAST_MICROS = 253_402_300_799_999_999n;

function isTime(micros: unknown): micros is string | null {
  if (micros === null) return true;
  if (typeof micros !== "string" || !/^-?\d{1,18}$/.test(micros)) return false;
  return FIRST_MICROS <= BigInt(micros) && BigInt(micros) <= LAST_MICROS;
}

export function formatCursor({ atMicros, id }: TimePosition): string {
  return Buffer.from(JSON.stringify([atMicros, id])).toString("base64url");
}

/** `idPattern` matches the ids of the list. Throws `request_invalid`. */
export function parseCursor(text: string, idPattern = /^[^\0]+$/): TimePosition {
  try {
    const [atMicros, id] = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as unknown[];
    if (isTime(atMicros) && typeof id === "string" && idPattern.test(id)) return { atMicros, id };
  } catch {
    // Not a cursor of this service: refused below.
  }
  throw cursorError();
}
