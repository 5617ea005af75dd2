import { RequestError } from "../errors.ts";

const MAX_DEPTH = 16;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses JSON from a client: valid UTF-8, no member twice, no NUL, no half of a surrogate pair, at most 16 levels deep.
 * This is the one place that refuses what PostgreSQL cannot store and what two parsers could read differently. Throws
 * `body_not_json`.
 */
export function parseStrictJson(body: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch (cause) {
    throw new RequestError("body_not_json", "the body is not valid UTF-8: send JSON in UTF-8", { cause });
  }
  // The structure is checked first, because JSON.parse recurses and cannot handle deep nesting.
  requirePlainStructure(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RequestError("body_not_json", "the body is not JSON: send one JSON object", { cause });
  }
  requirePlainText(value);
  return value;
}

/** The member names seen so far, for each object that is open; undefined stands for an open array. */
type Levels = (Set<string> | undefined)[];

/** Reads the tokens of a text that may not be JSON, and compares the member names of each object. */
function requirePlainStructure(text: string): void {
  const levels: Levels = [];
  let lastString: string | undefined;
  for (const [found] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]/gsu)) {
    if (found === "{" || found === "[") openLevel(levels, found);
    else if (found === "}" || found === "]") levels.pop();
    else if (found === ":" && lastString !== undefined) nameMember(levels, unquote(lastString));
    lastString = found.startsWith('"') ? found : undefined;
  }
}

function openLevel(levels: Levels, bracket: string): void {
  levels.push(bracket === "{" ? new Set() : undefined);
  if (levels.length > MAX_DEPTH)
    throw new RequestError("body_not_json", `the body nests deeper than ${MAX_DEPTH} levels: flatten it`);
}

function nameMember(levels: Levels, name: string): void {
  const members = levels.at(-1);
  if (members?.has(name))
    throw new RequestError("body_not_json", "the body names a member twice: name each member once");
  members?.add(name);
}

function unquote(literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal;
  }
}

function requirePlainText(value: unknown): void {
  if (typeof value === "string") requirePlainString(value);
  else if (Array.isArray(value)) value.forEach(requirePlainText);
  else if (value !== null && typeof value === "object") {
    for (const [name, member] of Object.entries(value)) {
      requirePlainString(name);
      requirePlainText(member);
    }
  }
}

/** Refuses texts that PostgreSQL cannot store unchanged. */
export function requirePlainString(text: string): void {
  if (text.includes("\0"))
    throw new RequestError("request_invalid", "a text contains the character NUL: leave it out");
  if (!text.isWellFormed())
    throw new RequestError("request_invalid", "a text contains half of a surrogate pair: send valid Unicode");
}
