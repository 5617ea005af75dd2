/**
 * Spreadsheets run what begins like this as a formula, some of them after whatever they take for blank, and in wide and small
 * forms; the apostrophe before it makes them show it as text.
 */
const FORMULA = /^[\p{Z}\p{C}]*[=+\-@＝＋－＠﹦﹢﹣﹫−]|^[\t\r\n]/u;

/** RFC 4180, each record ended by CRLF. Cells are safe to open in a spreadsheet. */
export function formatCsv(records: readonly (readonly (string | number)[])[]): string {
  return records.map((record) => `${record.map(formatCell).join(",")}\r\n`).join("");
}

function formatCell(value: string | number): string {
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
