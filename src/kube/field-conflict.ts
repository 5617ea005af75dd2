/** Somebody else keeps changing what we keep changing back. */
export class FieldFight extends Error {
  override readonly name = "FieldFight";
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** This many corrections of one field within the window are repairs; one more is a fight. */
const MAX_CORRECTIONS = 6;
const WINDOW_MS = 60_000;
const FIRST_PAUSE_MS = 60_000;
const MAX_PAUSE_MS = 15 * 60_000;

interface Quarrel {
  /** When each field was put back lately. */
  corrections: Map<string, number[]>;
  /** Length of the last pause; undefined while there was none. */
  pauseMs: number | undefined;
  pausedUntil: number;
  fields: string[];
}

export interface FightGuard {
  /** Throws `FieldFight` while the object is left alone. */
  check(object: string): void;
  /** Counts fields that were just put back. Too many of one field: the object is left alone for a while. */
  corrected(object: string, fields: readonly string[]): void;
  forget(object: string): void;
}

/**
 * Ends fights over a field without a hot loop: after too many corrections the object is left alone for a minute; whoever
 * goes on after that gets one correction and a pause of twice the length, up to a quarter of an hour. A quiet time of two
 * pauses ends the fight.
 */
export function createFightGuard(now: () => Date): FightGuard {
  const quarrels = new Map<string, Quarrel>();

  function isOver({ pauseMs, pausedUntil, corrections }: Quarrel, at: number): boolean {
    if (pauseMs !== undefined) return at > pausedUntil + 2 * pauseMs;
    return [...corrections.values()].every((times) => times.every((time) => at - time >= WINDOW_MS));
  }

  return {
    check(object) {
      const quarrel = quarrels.get(object);
      const at = now().getTime();
      if (quarrel === undefined) return;
      if (isOver(quarrel, at)) quarrels.delete(object);
      if (at >= quarrel.pausedUntil) return;
      throw new FieldFight(
        `${object}: somebody keeps changing ${quarrel.fields.join(", ")}; it is put back again at ` +
          `${new Date(quarrel.pausedUntil).toISOString()}: find out who does it ` +
          "(kubectl get --show-managed-fields) and stop that",
        quarrel.pausedUntil - at,
      );
    },
    corrected(object, fields) {
      const at = now().getTime();
      const quarrel: Quarrel = quarrels.get(object) ?? {
        corrections: new Map(),
        pauseMs: undefined,
        pausedUntil: 0,
        fields: [],
      };
      quarrels.set(object, quarrel);
      for (const field of fields) {
        const recent = quarrel.corrections.get(field)?.filter((time) => at - time < WINDOW_MS) ?? [];
        quarrel.corrections.set(field, [...recent, at]);
      }
      const allowed = quarrel.pauseMs === undefined ? MAX_CORRECTIONS : 0;
      const fought = fields.filter((field) => (quarrel.corrections.get(field)?.length ?? 0) > allowed);
      if (fought.length === 0) return;
      quarrel.pauseMs = Math.min((quarrel.pauseMs ?? FIRST_PAUSE_MS / 2) * 2, MAX_PAUSE_MS);
      quarrel.pausedUntil = at + quarrel.pauseMs;
      quarrel.fields = fought;
    },
    forget: (object) => void quarrels.delete(object),
  };
}
