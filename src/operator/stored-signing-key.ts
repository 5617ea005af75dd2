import { OPERATOR_KEY_SECRET, SYSTEM_NAMESPACE } from "../api/name.ts";
import { type SecretObject, secretValue } from "../api/object.ts";

/**
 * The members of the Secret: the newest key, its time, and the former keys. A Secret that was never rotated has only
 * `key.pem`.
 */
const KEY = "key.pem";
const SINCE = "since";
const PREVIOUS = "previous.json";

/** A key in the form in which the Secret stores it. */
export interface StoredSigningKey {
  pem: string;
  /** The time of its creation, in ms since the epoch. The very first key has minus infinity. */
  sinceMs: number;
}

/**
 * The keys in the Secret, newest first, and not empty. The Secret keeps the former key, because a process that starts
 * during a rotation must sign with it. `isRotated` says whether the operator wrote the newest key in a rotation. Throws,
 * with the remedy, when the newest key's time or the list of former keys cannot be parsed.
 */
export function parseStoredKeys(secret: SecretObject | undefined): {
  keys: StoredSigningKey[];
  isRotated: boolean;
} {
  const since = secretValue(secret, SINCE);
  const newest = { pem: secretValue(secret, KEY) ?? "", sinceMs: sinceMsOf(since) };
  if (Number.isNaN(newest.sinceMs))
    throw new Error(
      `Secret ${SYSTEM_NAMESPACE}/${OPERATOR_KEY_SECRET} has no time under ${SINCE}: ` +
        "write it in RFC 3339, or delete the Secret, and the operator creates a new key",
    );
  return { keys: [newest, ...parsePrevious(secretValue(secret, PREVIOUS))], isRotated: since !== undefined };
}

/** The texts of the Secret for a first key, or for a key that replaces `previous`. */
export function storedTexts(
  newest: StoredSigningKey,
  previous: readonly StoredSigningKey[] = [],
): Record<string, string> {
  if (previous.length === 0) return { [KEY]: newest.pem };
  return {
    [KEY]: newest.pem,
    [SINCE]: new Date(newest.sinceMs).toISOString(),
    [PREVIOUS]: JSON.stringify(
      previous.map(({ pem, sinceMs }) => ({
        pem,
        ...(Number.isFinite(sinceMs) ? { since: new Date(sinceMs).toISOString() } : {}),
      })),
    ),
  };
}

function parsePrevious(text: string | undefined): StoredSigningKey[] {
  if (text === undefined) return [];
  try {
    return (JSON.parse(text) as { pem: unknown; since?: string }[]).map(({ pem, since }) => {
      const sinceMs = sinceMsOf(since);
      if (typeof pem !== "string" || Number.isNaN(sinceMs)) throw new TypeError("no key, or no time");
      return { pem, sinceMs };
    });
  } catch (cause) {
    throw new Error(
      `Secret ${SYSTEM_NAMESPACE}/${OPERATOR_KEY_SECRET} has no list of former keys under ${PREVIOUS}: ` +
        `remove ${PREVIOUS}, and the operator withdraws its former keys`,
      { cause },
    );
  }
}

const sinceMsOf = (since: string | undefined): number =>
  since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(since);
