import type { TestControlPlaneKind } from "../../server/kube-apiserver.ts";
import type { Area } from "./behaviour.ts";

/** How many behaviours of each area held on each control plane. */
export interface Tally {
  count(area: string, kind: TestControlPlaneKind): void;
  /** A line for each area, and the sum. */
  text(): string;
}

export function createTally(areas: readonly Area[], kinds: readonly TestControlPlaneKind[]): Tally {
  const held = new Map<string, number>();
  const keyOf = (area: string, kind: TestControlPlaneKind) => `${kind}/${area}`;
  const sumOf = (kind: TestControlPlaneKind) =>
    areas.reduce((sum, { title }) => sum + (held.get(keyOf(title, kind)) ?? 0), 0);
  const width = Math.max(...areas.map(({ title }) => title.length));
  const line = (title: string, cells: readonly (string | number)[]) =>
    `${title.padEnd(width)} ${cells.map((cell) => String(cell).padStart(10)).join("")}`;

  return {
    count(area, kind) {
      held.set(keyOf(area, kind), (held.get(keyOf(area, kind)) ?? 0) + 1);
    },
    text: () =>
      [
        line("API-server behaviours that held", kinds),
        ...areas.map(({ title }) =>
          line(
            title,
            kinds.map((kind) => held.get(keyOf(title, kind)) ?? 0),
          ),
        ),
        line("all", kinds.map(sumOf)),
      ].join("\n"),
  };
}
