import type { Static, TSchema } from "typebox";
import type { Caller, Role } from "../auth/token.ts";
import type { BillingErrorCode } from "../errors.ts";

/** Who may ask: anyone, a signed-in user, or a holder of one of the roles. */
export type Access = "anyone" | "user" | readonly Role[];

export const ADMINS: Access = ["superadmin", "sovereign-admin"];
export const SUPERADMIN: Access = ["superadmin"];

/** What a handler is given: everything checked, nothing raw but `rawBody` where an operation asks for it. */
export interface OperationRequest<Body> {
  /** Absent for `anyone`. */
  caller: Caller;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  body: Body;
  rawBody: Buffer;
  idempotencyKey: string | undefined;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Whom the rate limits count: an IPv4 address or the /64 of an IPv6 one. */
  client: string;
}

export type Answer = { status: number; headers?: Record<string, string> } & (
  | { kind: "json"; body: unknown }
  | { kind: "text"; contentType: string; text: string }
  | { kind: "empty" }
);

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Answer => ({
  kind: "json",
  status,
  body,
  headers,
});

/** One endpoint: the router, the validation and the OpenAPI document are all made from this. */
export interface Operation<Body extends TSchema = TSchema> {
  id: string;
  method: "get" | "post" | "put" | "delete";
  /** With `{name}` for parameters, as OpenAPI writes them. */
  path: string;
  summary: string;
  access: Access;
  /** Validated as JSON; absent: a body is not read. `raw` keeps the bytes for a signature. */
  body?: Body | "raw";
  /** Parameters of the path that may be blank; the others are refused then. */
  blankParams?: readonly string[];
  query?: Readonly<Record<string, TSchema>>;
  takesIdempotencyKey?: true;
  /**
   * Schema of each answer that is no problem; a text names a content type. Several: the client chooses by `Accept`. An
   * empty list: no body.
   */
  answers: Readonly<Record<number, TSchema | string | readonly (TSchema | string)[]>>;
  /** Headers of those answers that a client may rely on, each with what it means. */
  answerHeaders?: Readonly<Record<string, string>>;
  /** Codes of problems beyond those that access, body and parameters bring along (`operation-problem.ts`). */
  raises?: readonly BillingErrorCode[];
  handle(request: OperationRequest<Static<Body>>): Promise<Answer>;
}

/** Keeps a body's type for its handler, and forgets it for the table of operations. */
export function operation<Body extends TSchema>(definition: Operation<Body>): Operation {
  return definition as unknown as Operation;
}
