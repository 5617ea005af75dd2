import fc from "fast-check";
import type { RolloutStage } from "../../../src/api/rollout.ts";
import type { SovereignStatus } from "../../../src/api/sovereign.ts";
import { condition, IMAGE, servingOn } from "./catalyst-object.ts";

/** The names of possible Sovereigns. */
export const NAMES = Array.from({ length: 12 }, (_, index) => `s${index}`);

export interface World {
  stages: RolloutStage[];
  rollout: { maxUnavailable: number | string; bake: string; backwardCompatible: boolean };
  /** The Sovereigns at the start, with their states. */
  fleet: { name: string; start: keyof typeof STARTS }[];
}

/** The status of a Sovereign at the start. It left its previous image in an earlier rollout. */
export const STARTS = {
  new: undefined,
  serving: servingOn(IMAGE),
  stalledServing: {
    ...servingOn(IMAGE),
    conditions: [condition("Stalled", "True"), condition("RolledOut", "True")],
  },
  stalled: { ...servingOn(IMAGE), conditions: [condition("Stalled", "True")] },
} as const satisfies Record<string, SovereignStatus | undefined>;

export const world = fc.record<World>({
  stages: fc.uniqueArray(fc.constantFrom("one", "two", "three"), { maxLength: 3 }).chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.record<RolloutStage>({
          name: fc.constant(name),
          sovereigns: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 4 }),
          maxUnavailable: fc.constantFrom(1, 2, "50%"),
          bake: fc.constantFrom("0s", "1m"),
          approval: fc.boolean(),
        }),
      ),
    ),
  ),
  rollout: fc.record({
    maxUnavailable: fc.constantFrom(1, 2, "25%"),
    bake: fc.constantFrom("0s", "5m"),
    backwardCompatible: fc.boolean(),
  }),
  fleet: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom(...NAMES),
      start: fc.constantFrom(
        "new" as const,
        "serving" as const,
        "serving" as const,
        "stalled" as const,
        "stalledServing" as const,
      ),
    }),
    {
      selector: ({ name }) => name,
      maxLength: 12,
    },
  ),
});

/** An event of a Sovereign or the release. */
export type Happening =
  | {
      kind:
        | "reconcile"
        | "finish"
        | "fail"
        | "repair"
        | "add"
        | "delete"
        | "suspend"
        | "continue"
        | "disconnect"
        | "reconnect"
        | "restore";
      name: string;
    }
  | { kind: "report" | "wait" | "pause" | "abort" | "resume" | "approve" | "restart" | "turn"; name: string };

/** `at` selects one of the Sovereigns to which this can happen, so that random walks also fail in the middle of a stage. */
export interface Chance {
  kind: Happening["kind"] | "operate";
  at: number;
}
const ANY = [
  ...[
    "operate",
    "operate",
    "operate",
    "reconcile",
    "reconcile",
    "finish",
    "finish",
    "report",
    "fail",
    "fail",
  ],
  ...["repair", "add", "delete", "suspend", "continue", "wait", "pause", "resume", "resume", "approve"],
  ...["restart", "disconnect", "disconnect", "reconnect", "turn", "restore"],
] as Chance["kind"][];
export const chance = fc.record<Chance>({ kind: fc.constantFrom(...ANY), at: fc.nat(1_000) });
/** Events after a rollout, as often as failures need. No person ends or pauses it. */
export const laterChance = fc.record<Chance>({
  kind: fc.constantFrom(
    "operate",
    "operate",
    "fail",
    "fail",
    "reconcile",
    "report",
    "finish",
    "add",
    "delete",
    "restart",
  ),
  at: fc.nat(1_000),
});
