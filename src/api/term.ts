import type { Franchise } from "./franchise.ts";

/** The position of a moment in a Franchise's term. The end itself is outside the term. */
export type Term =
  | { kind: "notStarted"; startsInMs: number }
  | { kind: "running"; endsInMs: number | undefined }
  | { kind: "ended" };

export function termAt({ spec }: Franchise, nowMs: number): Term {
  const startsInMs = Date.parse(spec.term.start) - nowMs;
  if (startsInMs > 0) return { kind: "notStarted", startsInMs };
  if (spec.term.end === undefined) return { kind: "running", endsInMs: undefined };
  const endsInMs = Date.parse(spec.term.end) - nowMs;
  return endsInMs > 0 ? { kind: "running", endsInMs } : { kind: "ended" };
}

/** When the answer of `termAt` changes next; undefined when it stays. */
export function termChangeMs(term: Term): number | undefined {
  if (term.kind === "notStarted") return term.startsInMs;
  return term.kind === "running" ? term.endsInMs : undefined;
}

export const isInTerm = (franchise: Franchise, nowMs: number): boolean =>
  termAt(franchise, nowMs).kind === "running";
