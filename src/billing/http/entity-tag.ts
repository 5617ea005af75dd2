import type { Precondition } from "../voucher/precondition.ts";
import type { OperationRequest } from "./operation.ts";
import { parameterError } from "./paging.ts";

type Headers = OperationRequest<unknown>["headers"];

/** The header of answers that a client may revalidate. */
export const TAG = { ETag: "Send it as If-None-Match: the answer is 304 while nothing has changed." };

/** Whether the client already has the answer with this tag. */
export function isKnown(headers: Headers, etag: string): boolean {
  const asked = headers["if-none-match"];
  return typeof asked === "string" && asked.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}

export const formatTag = (tag: string) => `"${tag}"`;

/** RFC 9110: entity tags, separated by commas. */
const TAG_LIST = /^\s*(?:W\/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e]*")*\s*$/;
const MAX_LENGTH = 1_000;

/** The precondition that the headers set for the voucher. Throws `request_invalid`. */
export function preconditionOf(headers: Headers): Precondition | undefined {
  const match = textOf(headers, "if-match");
  const noneMatch = textOf(headers, "if-none-match");
  if (noneMatch !== undefined) {
    if (noneMatch.trim() !== "*") throw parameterError("If-None-Match", "must be *: only create");
    if (match !== undefined)
      throw parameterError("If-Match", "must not come with If-None-Match: send one of them");
    return { kind: "absent" };
  }
  if (match === undefined) return undefined;
  if (match.trim() === "*") return { kind: "tag", tags: "any" };
  if (match.length > MAX_LENGTH || !TAG_LIST.test(match))
    throw parameterError("If-Match", "must be an ETag as it was received, in double quotes, or *");
  // By RFC 9110 (13.1.1) a weak tag never matches. But a proxy that compresses answers makes our tags weak, and they still
  // name the same terms.
  return { kind: "tag", tags: [...match.matchAll(/"([^"]*)"/g)].map(([, tag = ""]) => tag) };
}

/** The precondition that `If-Match` sets for the voucher that a change names. Throws `request_invalid`. */
export function matchOf(headers: Headers): Precondition | undefined {
  if (headers["if-none-match"] !== undefined)
    throw parameterError("If-None-Match", "must not come with a change of a voucher: send If-Match");
  return preconditionOf(headers);
}

function textOf(headers: Headers, name: string): string | undefined {
  const given = headers[name];
  return given === undefined ? undefined : [given].flat().join(",");
}
