import { isConflict, isServerUnavailable, isUnreachable, KubeError } from "./error.ts";
import { FieldConflict } from "./field-conflict.ts";

/** The reason and message of a failed reconcile, for the object's conditions. */
export interface Failure {
  reason: string;
  message: string;
  /** All tries failed, so a person has to act. The operator still tries again after each back-off. */
  isFinal: boolean;
}

/** After this many failures in a row, about 13 s with the default back-off, a failure is final. */
export const MAX_TRIES = 8;
/** A transient fault is reported from this number of failures in a row. */
const REPORTED_FROM = 3;
/** Some messages of the server quote whole objects. */
const MAX_SERVER_MESSAGE = 2_000;

/**
 * Describes the error of the `attempt`-th try in a row. Returns undefined for an error that is not reported: a first
 * transient fault, and the end of this process's leadership.
 */
export function describeFailure(error: unknown, attempt: number): Failure | undefined {
  if (error instanceof FieldConflict)
    return { reason: "FieldConflict", message: error.message, isFinal: false };
  if (!(error instanceof KubeError)) {
    if (attempt < REPORTED_FROM) return undefined;
    // The text of an unexpected error may hold a credential, so only the log has it.
    const message = "the operator failed and tries again: its log says why";
    return { reason: RECONCILE_FAILED, message, isFinal: attempt >= MAX_TRIES };
  }
  if (error.reason === "NotLeading") return undefined;
  if (isTransient(error) && attempt < REPORTED_FROM) return undefined;
  const { reason, remedy } = explain(error);
  return {
    reason,
    message: `${whatFailed(error)}: ${remedy}`,
    isFinal: attempt >= MAX_TRIES && !isUnreachable(error),
  };
}

/** A conflict means that the cache is slightly out of date. */
const isTransient = (error: KubeError): boolean => isConflict(error) || isServerUnavailable(error);

function whatFailed(error: KubeError): string {
  const { request, causes, status, reason, serverMessage } = error;
  const fields = [...new Set(causes.map(({ field }) => field).filter((field) => field))];
  const object = [request?.target ?? "the request", ...fields].join(", ");
  const answer =
    status === 0 ? "the API server does not answer" : `the API server answers ${status} ${reason}`;
  return `${object}: ${answer}: ${serverMessage.slice(0, MAX_SERVER_MESSAGE)}`;
}

const READ_REASON: Record<number, string> = { 403: "ReadForbidden" };
const WRITE_REASON: Record<number, string> = {
  403: "WriteForbidden",
  409: "WriteConflict",
  422: "WriteInvalid",
};

const REFUSALS: ReadonlySet<string | undefined> = new Set([
  READ_REASON[403],
  WRITE_REASON[403],
  WRITE_REASON[422],
]);

const RECONCILE_FAILED = "ReconcileFailed";
const FAILURE_REASONS: ReadonlySet<string> = new Set([
  ...[...Object.values(READ_REASON), "ReadFailed", ...Object.values(WRITE_REASON), "WriteFailed"],
  RECONCILE_FAILED,
]);

/**
 * Whether a reconcile failed for this reason. It then says nothing about the state that the reconcile would have observed.
 */
export const isFailureReason = (reason: string): boolean => FAILURE_REASONS.has(reason);

/** Whether the API server refuses the content of the request. Another try cannot succeed until something else changes. */
export const isRefusal = ({ reason }: Pick<Failure, "reason">): boolean => REFUSALS.has(reason);

const REMEDY: Record<number, string> = {
  403: "change the role, the quota or the policy that refuses it",
  409: "the operator tries again; find the other writer if this stays",
  422: "correct the field in the spec that sets it; if the field is immutable and the object is not the operator's, delete the object: the operator creates it again",
};
const OTHER_REMEDY = "the operator tries again; look at the API server and its webhooks if this stays";

export const NAMESPACE_TERMINATING = "NamespaceTerminating";

function explain({ request, status, causes }: KubeError): { reason: string; remedy: string } {
  if (causes.some(({ reason }) => reason === NAMESPACE_TERMINATING))
    return {
      reason: NAMESPACE_TERMINATING,
      remedy:
        "the namespace is being deleted: remove what holds it up; the operator creates it again afterwards",
    };
  const reason =
    request?.method === "GET"
      ? (READ_REASON[status] ?? "ReadFailed")
      : (WRITE_REASON[status] ?? "WriteFailed");
  return { reason, remedy: REMEDY[status] ?? OTHER_REMEDY };
}
