import { isDeepStrictEqual } from "node:util";

/** A step of the story saw another value than it expects. */
export class UnmetExpectation extends Error {
  override readonly name = "UnmetExpectation";
}

const shown = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 600);

export function expectEqual(what: string, seen: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(seen, expected)) {
    throw new UnmetExpectation(`${what}: expected ${shown(expected)}, saw ${shown(seen)}`);
  }
}

export function expectThat(holds: boolean, what: string, seen?: unknown): asserts holds {
  if (!holds) throw new UnmetExpectation(seen === undefined ? what : `${what}: saw ${shown(seen)}`);
}
