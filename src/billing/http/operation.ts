import type { Static, TSchema } from "typebox";
import type { Caller, Role } from "../auth/token.ts";
import type { BillingErrorCode } from "../errors.ts";

/** The callers of an operation: anyone, a signed-in user, or a user with one of these roles. */
export type Access = "anyone" | "user" | readonly Role[];

export const ADMINS: Access = ["superadmin", "sovereign-admin"];
export const SUPERADMIN: Access = ["superadmin"];
const AUDITOR: Role = "sovereign-auditor";

/** A handler's input. Everything is validated except `rawBody`, which is empty unless the operation has a body. */
export interface OperationRequest<Body> {
  /** Anonymous, with a blank user, for `anyone`. */
  caller: Caller;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  body: Body;
  rawBody: Buffer;
  idempotencyKey: string | undefined;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The client that rate limits count: an IPv4 address, or the /64 of an IPv6 address. */
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

/** One endpoint. The router, the validation and the OpenAPI document all follow from it. */
export interface Operation<Body extends TSchema = TSchema> {
  id: string;
  method: "get" | "post" | "put" | "delete";
  /** Parameters are written `{name}`, as in OpenAPI. */
  path: string;
  summary: string;
  access: Access;
  /** With access for anyone: a valid token identifies the caller, and any other token is ignored. */
  identifiesCaller?: true;
  /** The schema of a JSON body. Absent: the body is not read. `raw`: only the bytes are kept, for a signature. */
  body?: Body | "raw";
  /** The path parameters that may be blank. Any other blank parameter is refused. */
  blankParams?: readonly string[];
  query?: Readonly<Record<string, TSchema>>;
  takesIdempotencyKey?: true;
  /** The headers by which a client may make the request conditional. */
  conditions?: readonly ("If-Match" | "If-None-Match")[];
  /**
   * The schema of each answer that is not a problem. A text is a content type. Of several, the client chooses by `Accept`.
   * An empty list: no body.
   */
  answers: Readonly<Record<number, TSchema | string | readonly (TSchema | string)[]>>;
  /** Headers of these answers that a client may rely on, each with its description. */
  answerHeaders?: Readonly<Record<string, string>>;
  /** Error codes in addition to those that follow from access, body and parameters (`operation-problem.ts`). */
  raises?: readonly BillingErrorCode[];
  handle(request: OperationRequest<Static<Body>>): Promise<Answer>;
}

/** The callers of this operation. An auditor may call every GET of an administrator. */
export function accessOf({ access, method }: Pick<Operation, "access" | "method">): Access {
  return typeof access === "string" || method !== "get" ? access : [...access, AUDITOR];
}

/** An auditor changes nothing, not even as a customer. A user with a further role has the rights of that role. */
export function mayOnlyRead(roles: ReadonlySet<string>): boolean {
  return roles.has(AUDITOR) && !roles.has("superadmin") && !roles.has("sovereign-admin");
}

/** Gives the handler its body's type, and hides that type from the list of operations. */
export function operation<Body extends TSchema>(definition: Operation<Body>): Operation {
  return definition as unknown as Operation;
}
