/** As istanbul writes it, as far as branches go: each branch's arms, and how often each arm ran. */
export interface FileCoverage {
  path: string;
  branchMap: Record<string, { locations: Location[] }>;
  b: Record<string, number[]>;
}

interface Location {
  start: { line?: number; column?: number };
}

export interface BranchCoverage {
  path: string;
  covered: number;
  total: number;
  /** Lines with an arm that never ran. */
  missedLines: number[];
}

const placeOf = ({ start }: Location, branch: { locations: Location[] }, arm: number) =>
  // An `else` that is not written has no place of its own.
  start.line === undefined
    ? `${branch.locations[0]?.start.line}:${branch.locations[0]?.start.column}:${arm}`
    : `${start.line}:${start.column}`;

/** The branches of each file in `all`, where an arm counts as run that ran there or, at the same place, in `others`. */
export function summarise(all: readonly FileCoverage[], others: readonly FileCoverage[]): BranchCoverage[] {
  const ranElsewhere = new Set(
    others.flatMap((file) =>
      armsOf(file).flatMap(({ place, count }) => (count > 0 ? [`${file.path} ${place}`] : [])),
    ),
  );
  return all.map((file) => {
    const arms = armsOf(file);
    const missed = arms.filter(
      ({ place, count }) => count === 0 && !ranElsewhere.has(`${file.path} ${place}`),
    );
    return {
      path: file.path,
      covered: arms.length - missed.length,
      total: arms.length,
      missedLines: [...new Set(missed.map(({ place }) => Number.parseInt(place, 10)))],
    };
  });
}

function armsOf({ branchMap, b }: FileCoverage): { place: string; count: number }[] {
  return Object.entries(branchMap).flatMap(([id, branch]) =>
    branch.locations.map((location, arm) => ({
      place: placeOf(location, branch, arm),
      count: b[id]?.[arm] ?? 0,
    })),
  );
}
