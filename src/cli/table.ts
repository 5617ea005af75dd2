import { oneLine } from "./terminal-text.ts";

/** Rows below their header, as kubectl prints them: each column as wide as its longest cell, with three blanks between. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows].map((cells) => cells.map(cellOf));
  const widths = header.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  return all
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("   ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/** An empty cell is shown, as kubectl does. */
const cellOf = (text: string): string => oneLine(text).trim() || "<none>";
