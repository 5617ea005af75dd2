import { oneLine } from "./terminal-text.ts";

/** A table as kubectl prints it: each column is as wide as its longest cell, with three blanks between columns. */
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

/** kubectl also shows empty cells as `<none>`. */
const cellOf = (text: string): string => oneLine(text).trim() || "<none>";
