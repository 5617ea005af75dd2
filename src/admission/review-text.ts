import { randomUUID } from "node:crypto";
import { GROUP } from "../api/kind.ts";
import { isMap } from "../api/object.ts";

const MEMBER = Buffer.from('"managedFields":');
const LIST_START = "[".charCodeAt(0);
const LIST_END = "]".charCodeAt(0);
/** Replaces a list that is left out. It is random, so no client can put it elsewhere in a review. */
const MARK = randomUUID();
/** `object` and `oldObject`. */
const MAX_LISTS = 2;

/**
 * Parses the JSON of a review, in UTF-8. In the result, `metadata.managedFields` of the reviewed objects may be empty,
 * because only the rules about the product's own kinds read it. It is more than half of an ordinary object. Without it,
 * parsing a review of 6 KB takes 14 instead of 32 µs, and makes half of the garbage. Throws a `SyntaxError`.
 */
export function parseReviewText(bytes: Buffer): unknown {
  const shortened = withoutManagedFields(bytes);
  return (shortened && parseShortened(shortened)) ?? JSON.parse(bytes.toString("utf8"));
}

interface ShortenedText {
  text: string;
  /** The number of lists that are left out. */
  lists: number;
}

/**
 * Undefined when there is nothing to leave out. The first `]` counts as the end of a list, because finding the true end
 * costs more than parsing the list. If that `]` is inside a string or ends an inner list, the rest has a quote or a bracket
 * too many and does not parse. The text that is left out might not be JSON, but no API server sends such text. In
 * UTF-8, no byte of a longer character equals a bracket or a quote.
 */
function withoutManagedFields(bytes: Buffer): ShortenedText | undefined {
  let shortened = "";
  let lists = 0;
  let from = 0;
  for (let at = bytes.indexOf(MEMBER); at >= 0; at = bytes.indexOf(MEMBER, from)) {
    const start = at + MEMBER.length;
    const end = bytes.indexOf(LIST_END, start) + 1;
    lists += 1;
    if (lists > MAX_LISTS || bytes[start] !== LIST_START) return undefined;
    shortened += `${bytes.toString("utf8", from, start)}"${MARK}"`;
    from = end;
  }
  return lists === 0 ? undefined : { text: shortened + bytes.toString("utf8", from), lists };
}

/**
 * Undefined when the rules need the lists, when a mark is outside the metadata of a reviewed object, or when the text does
 * not parse.
 */
function parseShortened({ text, lists }: ShortenedText): unknown {
  const review = parseOrUndefined(text);
  const request = isMap(review) ? review.request : undefined;
  if (!isMap(request) || !isMap(request.resource) || request.resource.group === GROUP) return undefined;
  const marked = [request.object, request.oldObject]
    .map((object) => (isMap(object) ? object.metadata : undefined))
    .filter(isMap)
    .filter(({ managedFields }) => managedFields === MARK);
  if (marked.length !== lists) return undefined;
  for (const metadata of marked) metadata.managedFields = [];
  return review;
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
