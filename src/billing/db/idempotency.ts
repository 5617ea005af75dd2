import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { RequestError } from "../errors.ts";
import type { Queryable } from "./database.ts";

/** A client promises that all requests with this key are one request. A key is valid for one user and all endpoints. */
export interface IdempotencyClaim {
  userId: string;
  key: string;
  requestHash: string;
}

export const inFlight = () =>
  new RequestError(
    "idempotency_in_flight",
    "a request with this Idempotency-Key is still running: wait for its answer",
  );
export const mismatch = () =>
  new RequestError(
    "idempotency_mismatch",
    "this Idempotency-Key was used for another request: use a new key for each request",
  );

/** `subject` is the content of the request (method, path, body). The same key with another subject is refused. */
export function claimOf(
  userId: string,
  key: string | undefined,
  subject: unknown,
): IdempotencyClaim | undefined {
  return key === undefined ? undefined : { userId, key, requestHash: sha256Digest(canonicalJson(subject)) };
}

/**
 * Locks the claim until the transaction ends, and returns the answer that an earlier request with the same key stored.
 * PostgreSQL releases the lock with the connection, so a crashed request blocks no other. `billing_checkout` does the same in SQL.
 */
export async function findStoredAnswer<Answer>(
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
    name: "idempotency-find",
    text: "SELECT request_hash, answer FROM idempotency_records WHERE user_id = $1 AND key = $2",
    values: [claim.userId, claim.key],
  });
  if (record === undefined) return undefined;
  if (record.request_hash !== claim.requestHash) throw mismatch();
  return record.answer;
}

/** Stores the answer for repeated requests. Must run in the transaction of the request's effects. */
export async function storeAnswer(
  transaction: Queryable,
  claim: IdempotencyClaim,
  answer: unknown,
): Promise<void> {
  await transaction.query({
    name: "idempotency-store",
    text: "INSERT INTO idempotency_records (user_id, key, request_hash, answer) VALUES ($1, $2, $3, $4)",
    values: [claim.userId, claim.key, claim.requestHash, JSON.stringify(answer)],
  });
}

/** Removes the answer that names an order, if it is stored under this key. The next request with the key is then a new one. */
export async function removeOrderAnswer(
  database: Queryable,
  claim: IdempotencyClaim,
  orderId: string,
): Promise<void> {
  await database.query({
    name: "idempotency-order-remove",
    text: "DELETE FROM idempotency_records WHERE user_id = $1 AND key = $2 AND answer ->> 'order_id' = $3",
    values: [claim.userId, claim.key, orderId],
  });
}
