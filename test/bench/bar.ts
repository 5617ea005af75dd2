import { figure, textTable } from "./text-table.ts";

/** What must hold, and whether it did. */
export interface Bar {
  name: string;
  /** Read with `comparison`: at least or at most this. */
  bound: number;
  comparison: ">=" | "<=";
  unit: string;
  /** Null when this run did not measure it. */
  measured: number | null;
  held: boolean | null;
}

export function judge(
  name: string,
  comparison: Bar["comparison"],
  bound: number,
  unit: string,
  measured: number | undefined,
): Bar {
  if (measured === undefined) return { name, bound, comparison, unit, measured: null, held: null };
  const held = comparison === ">=" ? measured >= bound : measured <= bound;
  return { name, bound, comparison, unit, measured, held };
}

/** Each bar in a line, with its bound and whether it held. */
export const barTable = (bars: readonly Bar[]): string =>
  textTable([
    ["bar", "bound", "measured", ""],
    ...bars.map(({ name, comparison, bound, unit, measured, held }) => [
      name,
      `${comparison} ${bound} ${unit}`,
      figure(measured ?? undefined),
      held === null ? "not measured" : held ? "held" : "missed",
    ]),
  ]);
