import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { RequestError } from "../errors.ts";
import type { Queryable } from "./database.ts";

/** A client's promise that requests with this key are one request. Keys are per user, over all endpoints. */
export interface IdempotencyClaim {
  userId: string;
  key: string;
  requestHash: string;
}

export const inFlight = () =>
  new RequestError(
    "idempotency_in_flight",
    "a request with this Idempotency-Key is still under way: wait for its answer",
  );
export const mismatch = () =>
  new RequestError(
    "idempotency_mismatch",
    "this Idempotency-Key came with another request before: use a new key for a new request",
  );

/** `subject` says what is asked for (method, path, body): the same key with another subject is refused. */
export function claimOf(
  userId: string,
  key: string | undefined,
  subject: unknown,
): IdempotencyClaim | undefined {
  return key === undefined ? undefined : { userId, key, requestHash: sha256Digest(canonicalJson(subject)) };
}

/**
 * Inside a transaction: takes the claim until the transaction ends, and gives the answer that an earlier request with
 * the same key left. The lock dies with its connection, so a crashed request claims nothing. The same protocol as in the
 * SQL function `billing_checkout`.
 */
export async function recallAnswer<Answer>(
  transaction: Queryable,
  claim: IdempotencyClaim,
): Promise<Answer | undefined> {
  const [lock] = await transaction.query<{ taken: boolean }>({
    name: "idempotency-lock",
    text: "SELECT pg_try_advisory_xact_lock(hashtextextended($1 || E'\\x1f' || $2, 4)) AS taken",
    values: [claim.userId, claim.key],
  });
  if (!lock?.taken) throw inFlight();
  const [record] = await transaction.query<{ request_hash: string; answer: Answer }>({
    name: "idempotency-recall",
    text: "SELECT request_hash, answer FROM idempotency_records WHERE user_id = $1 AND key = $2",
    values: [claim.userId, claim.key],
  });
  if (record === undefined) return undefined;
  if (record.request_hash !== claim.requestHash) throw mismatch();
  return record.answer;
}

/** Inside the same transaction as the effects: leaves the answer for whoever asks again. */
export async function rememberAnswer(
  transaction: Queryable,
  claim: IdempotencyClaim,
  answer: unknown,
): Promise<void> {
  await transaction.query({
    name: "idempotency-remember",
    text: "INSERT INTO idempotency_records (user_id, key, request_hash, answer) VALUES ($1, $2, $3, $4)",
    values: [claim.userId, claim.key, claim.requestHash, JSON.stringify(answer)],
  });
}
