import type { BillingRelease } from "../../api/billing-release.ts";
import { ROLLOUT_ANNOTATION, ROLLOUT_ANNOTATION_PREFIX } from "../../api/rollout-annotation.ts";
import type { Intervention } from "../../api/rollout-status.ts";

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

/** `<user>@sha256:<64 hex>`, followed by `#<number>` for a resumed halt. */
const VALUE = /^(.{1,256})@(sha256:[a-f0-9]{64})(?:#(\d{1,6}))?$/s;

/**
 * Reads the annotations. An annotation for another image, or one that cannot be parsed, does not count. A pause counts for
 * every image.
 */
export function interventionsOf({ metadata, spec }: BillingRelease): Interventions {
  const annotations = metadata.annotations ?? {};
  const read = (name: string) => {
    const [, user, digest, number] = VALUE.exec(annotations[name] ?? "") ?? [];
    return user !== undefined && spec.image.endsWith(`@${digest}`)
      ? { user, number: Number(number ?? 0) }
      : undefined;
  };
  const under = (prefix: string) =>
    new Map(
      Object.keys(annotations)
        .filter((name) => name.startsWith(prefix))
        .flatMap((name): [string, string][] => {
          const value = read(name);
          return value === undefined ? [] : [[name.slice(prefix.length), value.user]];
        }),
    );
  const resumed = read(ROLLOUT_ANNOTATION.resumed);
  return {
    pausedBy: VALUE.exec(annotations[ROLLOUT_ANNOTATION.paused] ?? "")?.[1],
    abortedBy: read(ROLLOUT_ANNOTATION.aborted)?.user,
    resumedBy: resumed?.user,
    resumedThrough: resumed?.number ?? 0,
    approved: under(ROLLOUT_ANNOTATION_PREFIX.approve),
    skipped: under(ROLLOUT_ANNOTATION_PREFIX.skip),
    bakeSkipped: under(ROLLOUT_ANNOTATION_PREFIX.skipBake),
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
