import { childPath, indexPath } from "./schema/field-error.ts";

// A string, a bracket, a comma, a colon, or a number or a word.
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/gs;

interface Level {
  path: string;
  /** The names of an object's members so far. Undefined for a list. */
  names?: Set<string>;
  /** The path of the value that comes next. */
  next: string;
  index: number;
}

/** The paths of members that an object of a valid JSON text has twice. `JSON.parse` keeps only the last. */
export function duplicateFields(text: string): string[] {
  const duplicates: string[] = [];
  const levels: Level[] = [];
  let isName = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    switch (token) {
      case "{":
      case "[": {
        const path = level?.next ?? "";
        const isObject = token === "{";
        levels.push({ path, next: indexPath(path, 0), index: 0, ...(isObject ? { names: new Set() } : {}) });
        isName = isObject;
        break;
      }
      case "}":
      case "]":
        levels.pop();
        break;
      case ",":
        if (level === undefined) break;
        isName = level.names !== undefined;
        level.index += 1;
        if (!isName) level.next = indexPath(level.path, level.index);
        break;
      case ":":
        isName = false;
        break;
      default: {
        if (!isName || level?.names === undefined) break;
        const name = String(JSON.parse(token));
        level.next = childPath(level.path, name);
        if (level.names.has(name)) duplicates.push(level.next);
        level.names.add(name);
      }
    }
  }
  return duplicates;
}
