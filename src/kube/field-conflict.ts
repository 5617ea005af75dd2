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
  /** When, within the window, each field was corrected, in milliseconds of the steady clock. */
  corrections: Map<string, number[]>;
  /** Length of the last pause; undefined before the first pause. */
  pauseMs: number | undefined;
  /** The end of the last pause, in milliseconds of the steady clock. */
  pausedUntilMs: number;
  /** The time of day of that end, in RFC 3339, for people. */
  resumesAt: string;
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
export function createFieldConflictGuard({
  now,
  elapsedMs = () => performance.now(),
}: {
  now: () => Date;
  /** Milliseconds of a clock that never jumps: a pause must not last until the time of day is right again. */
  elapsedMs?: () => number;
}): FieldConflictGuard {
  const conflicts = new Map<string, Conflict>();

  function isOver({ pauseMs, pausedUntilMs, corrections }: Conflict, atMs: number): boolean {
    if (pauseMs !== undefined) return atMs > pausedUntilMs + 2 * pauseMs;
    return [...corrections.values()].every((times) => times.every((time) => atMs - time >= WINDOW_MS));
  }

  return {
    check(object) {
      const conflict = conflicts.get(object);
      if (conflict === undefined) return;
      const atMs = elapsedMs();
      if (isOver(conflict, atMs)) conflicts.delete(object);
      if (atMs >= conflict.pausedUntilMs) return;
      throw new FieldConflict(
        `${object}: another writer keeps changing ${conflict.fields.join(", ")}; the operator puts it back again at ` +
          `${conflict.resumesAt}. Find the writer (kubectl get --show-managed-fields) and stop it.`,
        conflict.pausedUntilMs - atMs,
      );
    },
    corrected(object, fields) {
      const atMs = elapsedMs();
      const conflict: Conflict = conflicts.get(object) ?? {
        corrections: new Map(),
        pauseMs: undefined,
        pausedUntilMs: Number.NEGATIVE_INFINITY,
        resumesAt: "",
        fields: [],
      };
      conflicts.set(object, conflict);
      const allowed = conflict.pauseMs === undefined ? MAX_CORRECTIONS : 0;
      const disputed = fields.filter((field) => {
        const before = conflict.corrections.get(field) ?? [];
        const recent = [...before.filter((time) => atMs - time < WINDOW_MS), atMs];
        conflict.corrections.set(field, recent);
        return recent.length > allowed;
      });
      if (disputed.length === 0) return;
      conflict.pauseMs = Math.min((conflict.pauseMs ?? FIRST_PAUSE_MS / 2) * 2, MAX_PAUSE_MS);
      conflict.pausedUntilMs = atMs + conflict.pauseMs;
      conflict.resumesAt = new Date(now().getTime() + conflict.pauseMs).toISOString();
      conflict.fields = disputed;
    },
    forget: (object) => void conflicts.delete(object),
  };
}
