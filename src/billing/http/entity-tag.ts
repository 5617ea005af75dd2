import type { OperationRequest } from "./operation.ts";

/** The header of answers that a client may revalidate. */
export const TAG = { ETag: "Send it as If-None-Match: the answer is 304 while nothing has changed." };

/** Whether the client already has the answer with this tag. */
export function isKnown(headers: OperationRequest<unknown>["headers"], etag: string): boolean {
  const asked = headers["if-none-match"];
  return typeof asked === "string" && asked.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
