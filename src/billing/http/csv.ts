/**
 * A spreadsheet runs a cell that begins like this as a formula. Some skip leading blanks first, and some accept wide and small
 * forms of the signs. An apostrophe in front makes the cell text.
 */
const FORMULA = /^[\p{Z}\p{C}]*[=+\-@＝＋－＠﹦﹢﹣﹫−]|^[\t\r\n]/u;

/** Without it, spreadsheets read the file in the encoding of their country, and Arabic becomes unreadable. */
const BYTE_ORDER_MARK = "\ufeff";

/** RFC 4180, each record ended by CRLF, after a byte order mark. Cells are safe to open in a spreadsheet. */
export function formatCsv(records: readonly (readonly (string | number)[])[]): string {
  return BYTE_ORDER_MARK + records.map((record) => `${record.map(formatCell).join(",")}\r\n`).join("");
}

function formatCell(value: string | number): string {
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Whether a client that may have JSON gets CSV: it accepts CSV and does not name JSON. */
export function wantsCsv(accept: string | string[] | undefined): boolean {
  const ranges = [accept ?? []].flat().join(",").toLowerCase();
  return /\btext\/csv\b/.test(ranges) && !/\bapplication\/json\b/.test(ranges);
}
