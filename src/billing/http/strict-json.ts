import { RequestError } from "../errors.ts";

const MAX_DEPTH = 16;

/**
 * JSON from a stranger: valid UTF-8, no member twice, no NUL, no half of a surrogate pair, at most 16 levels deep. What
 * PostgreSQL cannot store and what two parsers could read differently is refused here, once. Throws `body_not_json`.
 */
export function parseStrictJson(body: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new RequestError("body_not_json", "the body is not valid UTF-8: send JSON in UTF-8", { cause });
  }
  // Structure first: deep nesting is refused before a parser recurses into it.
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

/** Walks the tokens of text that may or may not be JSON, following objects to see their member names. */
function requirePlainStructure(text: string): void {
  const levels: (Set<string> | undefined)[] = [];
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/gsu;
  let lastString: string | undefined;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [found] = match;
    if (found === "{" || found === "[") {
      levels.push(found === "{" ? new Set() : undefined);
      if (levels.length > MAX_DEPTH)
        throw new RequestError("body_not_json", `the body nests deeper than ${MAX_DEPTH} levels: flatten it`);
    } else if (found === "}" || found === "]") {
      levels.pop();
    } else if (found === ":") {
      const members = levels.at(-1);
      if (members === undefined || lastString === undefined) continue;
      const name = unquote(lastString);
      if (members.has(name))
        throw new RequestError("body_not_json", "the body names a member twice: name each member once");
      members.add(name);
    }
    lastString = found.startsWith('"') ? found : undefined;
  }
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

/** Refuses texts that PostgreSQL cannot hold as they are. */
export function requirePlainString(text: string): void {
  if (text.includes("\0"))
    throw new RequestError("request_invalid", "a text holds the character NUL: leave it out");
  if (!text.isWellFormed())
    throw new RequestError("request_invalid", "a text holds half of a surrogate pair: send valid Unicode");
}
