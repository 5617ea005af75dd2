import { figure, textTable } from "./text-table.ts";

/** A condition that a bench must meet, and its result. */
export interface Bar {
  name: string;
  /** The lower or upper bound, by `comparison`. */
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

/** One line for each bar, with its bound and its result. */
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
