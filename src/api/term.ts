import type { Franchise } from "./franchise.ts";

/** Where a moment lies in an agreement's term; the end itself is outside. */
export type Term =
  | { kind: "notBegun"; startsInMs: number }
  | { kind: "running"; endsInMs: number | undefined }
  | { kind: "ended" };

export function termAt({ spec }: Franchise, nowMs: number): Term {
  const startsInMs = Date.parse(spec.term.start) - nowMs;
  if (startsInMs > 0) return { kind: "notBegun", startsInMs };
  if (spec.term.end === undefined) return { kind: "running", endsInMs: undefined };
  const endsInMs = Date.parse(spec.term.end) - nowMs;
  return endsInMs > 0 ? { kind: "running", endsInMs } : { kind: "ended" };
}

export const isInTerm = (franchise: Franchise, nowMs: number): boolean =>
  termAt(franchise, nowMs).kind === "running";
