import type { ApiConnection } from "../../../../src/playground/story/api-connection.ts";
import type { Request } from "./attempt.ts";
import type { Identity } from "./person.ts";

export interface Answer {
  status: number;
  body: unknown;
  /** The message of a refusal; empty when there is none. */
  message: string;
}

/** Sends a request as this identity. Without one: as the connection's administrator, in system:masters. */
export async function sendAs(
  api: ApiConnection,
  identity: Identity | undefined,
  request: Request,
): Promise<Answer> {
  const { user, groups, uid } = identity ?? {};
  const { status, body } = await api.send({
    ...request,
    ...(user === undefined ? {} : { as: user }),
    ...(groups === undefined ? {} : { asGroups: groups }),
    ...(uid === undefined ? {} : { asUid: uid }),
  });
  return { status, body, message: messageOf(body) };
}

export const messageOf = (body: unknown) => String((body as { message?: string } | undefined)?.message ?? "");
