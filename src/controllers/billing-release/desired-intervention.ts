import type { BillingRelease } from "../../api/billing-release.ts";
import { ROLLOUT_ANNOTATION, ROLLOUT_ANNOTATION_PREFIX } from "../../api/rollout-annotation.ts";
import type { Intervention } from "../../api/rollout-status.ts";
import { rolloutStart } from "./desired-return.ts";

/**
 * The actions that people requested for the rollout of the present image. Each value is the user that wrote the annotation.
 */
export interface Interventions {
  pausedBy: string | undefined;
  abortedBy: string | undefined;
  resumedBy: string | undefined;
  /** Halts up to this number were resumed. */
  resumedThrough: number;
  /** By stage. */
  approved: ReadonlyMap<string, string>;
  /** By Sovereign. */
  skipped: ReadonlyMap<string, string>;
  /** By stage. */
  bakeSkipped: ReadonlyMap<string, string>;
}

/** `<user>@sha256:<64 hex>#<number>`. See `ROLLOUT_ANNOTATION` for the number. */
const VALUE = /^(.{1,256})@(sha256:[a-f0-9]{64})(?:#(\d{1,16}))?$/s;

/** The status cannot record a halt with a greater number. */
const MAX_HALTS = 1_000_000;

/**
 * Reads the annotations. An annotation for another image or an earlier rollout, or one that cannot be parsed, does not
 * count. A pause counts for every image. Where the rollout of a value is not known, it counts only if it `holdsBack`
 * Sovereigns: none takes the image against the wish of a person.
 */
export function interventionsOf(release: BillingRelease): Interventions {
  const { metadata, spec } = release;
  const annotations = metadata.annotations ?? {};
  const start = rolloutStart(release);
  const read = (name: string) => {
    const [, user, digest, number] = VALUE.exec(annotations[name] ?? "") ?? [];
    return user !== undefined && spec.image.endsWith(`@${digest}`)
      ? { user, number: Number(number ?? 0) }
      : undefined;
  };
  const readInRollout = (name: string, holdsBack: boolean) => {
    const value = read(name);
    if (value === undefined || start === undefined) return value?.user;
    // A command of an older version writes no generation. An object from a backup may have a later one than its own.
    const isKnown = value.number > 0 && value.number <= (metadata.generation ?? 1);
    return (isKnown ? value.number >= start : holdsBack) ? value.user : undefined;
  };
  const under = (prefix: string, holdsBack: boolean) =>
    new Map(
      Object.keys(annotations)
        .filter((name) => name.startsWith(prefix))
        .flatMap((name): [string, string][] => {
          const user = readInRollout(name, holdsBack);
          return user === undefined ? [] : [[name.slice(prefix.length), user]];
        }),
    );
  const value = read(ROLLOUT_ANNOTATION.resumed);
  const resumed = value !== undefined && value.number < MAX_HALTS ? value : undefined;
  return {
    pausedBy: VALUE.exec(annotations[ROLLOUT_ANNOTATION.paused] ?? "")?.[1],
    abortedBy: readInRollout(ROLLOUT_ANNOTATION.aborted, true),
    resumedBy: resumed?.user,
    resumedThrough: resumed?.number ?? 0,
    approved: under(ROLLOUT_ANNOTATION_PREFIX.approve, false),
    skipped: under(ROLLOUT_ANNOTATION_PREFIX.skip, true),
    bakeSkipped: under(ROLLOUT_ANNOTATION_PREFIX.skipBake, false),
  };
}

const MAX_RECORDED = 64;

/** The interventions as the status records them. Each keeps the time at which it was first seen. `now` is RFC 3339. */
export function recordOf(
  interventions: Interventions,
  earlier: readonly Intervention[],
  now: string,
): Intervention[] {
  const { pausedBy, abortedBy, resumedBy, approved, skipped, bakeSkipped } = interventions;
  const whole = (kind: Intervention["kind"], by: string | undefined) =>
    by === undefined ? [] : [{ kind, subject: "", by }];
  const each = (kind: Intervention["kind"], users: ReadonlyMap<string, string>) =>
    [...users].map(([subject, by]) => ({ kind, subject, by }));
  return [
    ...whole("Pause", pausedBy),
    ...whole("Abort", abortedBy),
    ...whole("Resume", resumedBy),
    ...each("Approve", approved),
    ...each("SkipBake", bakeSkipped),
    ...each("Skip", skipped),
  ]
    .map((present) => {
      const known = earlier.find(
        ({ kind, subject, by }) => kind === present.kind && subject === present.subject && by === present.by,
      );
      return known ?? { ...present, at: now };
    })
    .slice(0, MAX_RECORDED);
}
