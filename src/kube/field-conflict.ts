/** Another writer keeps changing a field that the operator keeps correcting. */
export class FieldConflict extends Error {
  override readonly name = "FieldConflict";
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Up to this many corrections of one field within the window are allowed. One more is a conflict. */
const MAX_CORRECTIONS = 6;
const WINDOW_MS = 60_000;
const FIRST_PAUSE_MS = 60_000;
const MAX_PAUSE_MS = 15 * 60_000;

interface Conflict {
  /** The times, within the window, at which each field was corrected (ms since the epoch). */
  corrections: Map<string, number[]>;
  /** Length of the last pause; undefined before the first pause. */
  pauseMs: number | undefined;
  pausedUntil: number;
  fields: string[];
}

export interface FieldConflictGuard {
  /** Throws `FieldConflict` while corrections of the object are paused. */
  check(object: string): void;
  /** Counts the fields that were just corrected. Too many corrections of one field pause the object's corrections. */
  corrected(object: string, fields: readonly string[]): void;
  forget(object: string): void;
}

/**
 * Prevents a hot loop between two writers of one field. After too many corrections, corrections of the object pause for a
 * minute. After the pause, each new change gets one correction and a pause of twice the length, up to 15 minutes. The
 * conflict ends when no field was changed for two pauses.
 */
export function createFieldConflictGuard(now: () => Date): FieldConflictGuard {
  const conflicts = new Map<string, Conflict>();

  function isOver({ pauseMs, pausedUntil, corrections }: Conflict, at: number): boolean {
    if (pauseMs !== undefined) return at > pausedUntil + 2 * pauseMs;
    return [...corrections.values()].every((times) => times.every((time) => at - time >= WINDOW_MS));
  }

  return {
    check(object) {
      const conflict = conflicts.get(object);
      const at = now().getTime();
      if (conflict === undefined) return;
      if (isOver(conflict, at)) conflicts.delete(object);
      if (at >= conflict.pausedUntil) return;
      throw new FieldConflict(
        `${object}: another writer keeps changing ${conflict.fields.join(", ")}; the operator puts it back again at ` +
          `${new Date(conflict.pausedUntil).toISOString()}. Find the writer ` +
          "(kubectl get --show-managed-fields) and stop it.",
        conflict.pausedUntil - at,
      );
    },
    corrected(object, fields) {
      const at = now().getTime();
      const conflict: Conflict = conflicts.get(object) ?? {
        corrections: new Map(),
        pauseMs: undefined,
        pausedUntil: 0,
        fields: [],
      };
      conflicts.set(object, conflict);
      const allowed = conflict.pauseMs === undefined ? MAX_CORRECTIONS : 0;
      const disputed = fields.filter((field) => {
        const before = conflict.corrections.get(field) ?? [];
        const recent = [...before.filter((time) => at - time < WINDOW_MS), at];
        conflict.corrections.set(field, recent);
        return recent.length > allowed;
      });
      if (disputed.length === 0) return;
      conflict.pauseMs = Math.min((conflict.pauseMs ?? FIRST_PAUSE_MS / 2) * 2, MAX_PAUSE_MS);
      conflict.pausedUntil = at + conflict.pauseMs;
      conflict.fields = disputed;
    },
    forget: (object) => void conflicts.delete(object),
  };
}
