import { isDeepStrictEqual } from "node:util";

/** A step of the story found a state that differs from the expected one. */
export class UnmetExpectation extends Error {
  override readonly name = "UnmetExpectation";
}

const format = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 600);

export function expectEqual(what: string, seen: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(seen, expected)) {
    throw new UnmetExpectation(`${what}: expected ${format(expected)}, but got ${format(seen)}`);
  }
}

export function expectThat(holds: boolean, what: string, seen?: unknown): asserts holds {
  if (!holds)
    throw new UnmetExpectation(
      seen === undefined ? `expected that ${what}` : `expected that ${what}, but got ${format(seen)}`,
    );
}
