/** One wrong letter in three is allowed, and at least one. */
const MISTAKES = 3;

/** The known name that is most similar to `given`, if the two are similar enough. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  const near = names
    .map((name) => ({ name, distance: distanceOf(given, name) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / MISTAKES)))
    .sort((one, other) => one.distance - other.distance);
  return near[0]?.name;
}

/** The Levenshtein distance, but two swapped neighbours count as one mistake. */
function distanceOf(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= one.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      const isSwapped =
        row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      line.push(
        Math.min(
          at(rows, row - 1, column) + 1,
          (line[column - 1] ?? 0) + 1,
          at(rows, row - 1, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(rows, row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    rows.push(line);
  }
  return at(rows, one.length, other.length);
}

const at = (rows: readonly number[][], row: number, column: number): number => rows[row]?.[column] ?? 0;

/** The message for an unknown or empty name. It lists all names, and suggests the nearest. */
export function unknownName(what: string, given: string, names: readonly string[]): string {
  if (given === "") return `name the ${what}: one of ${names.join(", ")}`;
  const near = nearest(given, names);
  return `unknown ${what} '${given}': ${near === undefined ? "" : `did you mean ${near}? `}use one of ${names.join(", ")}`;
}
