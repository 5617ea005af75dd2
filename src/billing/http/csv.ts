import type { Answer } from "./operation.ts";

/**
 * A spreadsheet runs a cell that begins like this as a formula. Some skip leading blanks first, and some accept wide and small
 * forms of the signs. An apostrophe in front makes the cell text.
 */
const SIGN = "[=+\\-@＝＋－＠﹦﹢﹣﹫−]";
const FORMULA = new RegExp(`^[\\p{Z}\\p{C}]*${SIGN}|^[\\t\\r\\n]`, "u");
/**
 * Where a semicolon separates cells, as in most of Europe, a spreadsheet ignores our commas and the quotes after them. A
 * cell then begins after each semicolon, tab and end of line.
 */
const LATER_FORMULA = new RegExp(`([;\\t\\r\\n][\\p{Z}\\p{C}]*)(${SIGN})`, "gu");

/** Without it, spreadsheets read the file in the encoding of their country, and Arabic becomes unreadable. */
const BYTE_ORDER_MARK = "\ufeff";

/** RFC 4180, each record ended by CRLF, after a byte order mark. Cells are safe to open in a spreadsheet. */
export function formatCsv(records: readonly (readonly (string | number)[])[]): string {
  return BYTE_ORDER_MARK + records.map((record) => `${record.map(formatCell).join(",")}\r\n`).join("");
}

function formatCell(value: string | number): string {
  const text = typeof value === "string" ? textOf(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function textOf(value: string): string {
  const text = value.replace(LATER_FORMULA, "$1'$2");
  return FORMULA.test(value) ? `'${text}` : text;
}

/** A CSV answer that a browser saves as a file. */
export function csvAnswer(
  fileName: string,
  records: readonly (readonly (string | number)[])[],
  headers: Record<string, string> = {},
): Answer {
  return {
    kind: "text",
    status: 200,
    contentType: "text/csv; charset=utf-8; header=present",
    text: formatCsv(records),
    headers: { ...headers, "Content-Disposition": `attachment; filename="${fileName}"` },
  };
}

const CSV = /\btext\/csv\b/i;
const JSON_TYPE = /\bapplication\/json\b/i;

/** Whether a client that gets JSON by default gets CSV: it accepts CSV and does not name JSON. */
export const wantsCsv = (accept: string | string[] | undefined): boolean =>
  accepts(accept, CSV) && !accepts(accept, JSON_TYPE);

/** Whether a client that gets CSV by default gets JSON: it accepts JSON and does not name CSV. */
export const wantsJson = (accept: string | string[] | undefined): boolean =>
  accepts(accept, JSON_TYPE) && !accepts(accept, CSV);

const accepts = (accept: string | string[] | undefined, mediaType: RegExp): boolean =>
  mediaType.test([accept ?? []].flat().join(","));
