/** Spreadsheets run what begins like this as a formula; the apostrophe before it makes them show it as text. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/** RFC 4180, each record ended by CRLF. Cells are safe to open in a spreadsheet. */
export function formatCsv(records: readonly (readonly (string | number)[])[]): string {
  return records.map((record) => `${record.map(formatCell).join(",")}\r\n`).join("");
}

function formatCell(value: string | number): string {
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
