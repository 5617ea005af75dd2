import type { OperationRequest } from "./operation.ts";

/** The header of answers that can be asked for again. */
export const TAG = { ETag: "What to send as If-None-Match, to be told 304 while nothing has changed." };

/** Whether the client has what this tag stands for. */
export function isKnown(headers: OperationRequest<unknown>["headers"], etag: string): boolean {
  const asked = headers["if-none-match"];
  return typeof asked === "string" && asked.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
