import Type from "typebox";
import { RequestError } from "../errors.ts";
import type { VoucherPosition } from "../voucher-list.ts";

const PAGE_SIZE = 1_000;
export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: PAGE_SIZE, default: PAGE_SIZE }),
  cursor: Type.String({ maxLength: 2_000, description: "From the Link header of the page before." }),
};

export function parseLimit(text: string | undefined): number {
  if (text === undefined) return PAGE_SIZE;
  const limit = Number(text);
  if (!/^\d{1,6}$/.test(text) || limit < 1 || limit > PAGE_SIZE)
    throw parameterError("limit", `must be a whole number from 1 to ${PAGE_SIZE}`);
  return limit;
}

/** Of each answer that comes in pages. */
export const NEXT_PAGE = { Link: 'The next page, as `rel="next"`; absent on the last.' };

/** A page's link to the next one; undefined members are left out. */
export function linkOf(path: string, members: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return `<${path}?${query}>; rel="next"`;
}

export function parameterError(field: string, rule: string): RequestError {
  return new RequestError("request_invalid", `${field} ${rule}`, { fields: [{ field, rule }] });
}

export const cursorError = () =>
  parameterError("cursor", "must come from the Link header of the page before");

// What PostgreSQL itself wrote: a timestamp with its zone, or -infinity.
const TIMESTAMP_TEXT = /^(-infinity|\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d){0,2})$/;

export function formatCursor(position: VoucherPosition): string {
  return Buffer.from(JSON.stringify([position.createdAt, position.code])).toString("base64url");
}

export function parseCursor(text: string): VoucherPosition {
  try {
    const [createdAt, code] = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as unknown[];
    if (
      typeof createdAt === "string" &&
      TIMESTAMP_TEXT.test(createdAt) &&
      typeof code === "string" &&
      !code.includes("\0")
    ) {
      return { createdAt, code };
    }
  } catch {
    // Not one of ours: said below.
  }
  throw cursorError();
}
