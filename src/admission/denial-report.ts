import { isMap } from "../api/object.ts";
import { setNewest } from "../platform/bounded-map.ts";
import type { Violation } from "./rules/fact.ts";
import type { Identity } from "./rules/identity.ts";
import type { AdmissionInput } from "./rules/request.ts";

/** The requests of one user that one rule would have denied. Times are RFC 3339. */
export interface DenialRow {
  identity: Identity["kind"];
  user: string;
  rule: string;
  count: number;
  firstAt: string;
  lastAt: string;
  /** The newest request. */
  example: { operation: string; resource: string; namespace: string; name: string; path: string };
}

/** Denials since the last `take`, at most `MAX_ROWS` rows. */
export interface DenialReport {
  record(input: AdmissionInput, identity: Identity["kind"], violation: Violation, at: Date): void;
  /** Returns the rows and removes them. */
  take(): DenialRow[];
  /** Adds rows that could not be written. */
  putBack(rows: readonly DenialRow[]): void;
}

/** Users choose names, so rows are bounded in number and in size. The rows whose last denial is oldest are dropped. */
const MAX_ROWS = 1_000;
const MAX_TEXT = 256;
/** A ConfigMap holds at most 1 MiB. */
const MAX_BYTES = 900 * 1024;

export function createDenialReport(): DenialReport {
  let rows = new Map<string, DenialRow>();

  function put(row: DenialRow): void {
    const key = keyOf(row);
    const known = rows.get(key);
    setNewest(rows, key, known === undefined ? row : joined(known, row), MAX_ROWS);
  }

  return {
    record(input, identity, { rule, path }, at) {
      const time = at.toISOString();
      const { operation, group, resource, subresource, namespace, name } = input;
      const kind = [[resource, group].filter(Boolean).join("."), subresource].filter(Boolean).join("/");
      put({
        ...{ identity, rule, count: 1, firstAt: time, lastAt: time },
        user: cut(input.user.username),
        example: {
          operation,
          resource: cut(kind),
          namespace: cut(namespace),
          name: cut(name),
          path: cut(path),
        },
      });
    },
    take() {
      const taken = [...rows.values()];
      rows = new Map();
      return taken;
    },
    putBack(returned) {
      const newer = this.take();
      for (const row of [...returned, ...newer]) put(row);
    },
  };
}

/** Merges both lists, the newest row first, within the bounds. */
export function mergeRows(stored: readonly DenialRow[], added: readonly DenialRow[]): DenialRow[] {
  const rows = new Map<string, DenialRow>();
  for (const row of [...stored, ...added]) {
    const known = rows.get(keyOf(row));
    rows.set(keyOf(row), known === undefined ? row : joined(known, row));
  }
  const sorted = [...rows.values()].sort((a, b) => (a.lastAt < b.lastAt ? 1 : -1));
  let bytes = 0;
  return sorted.slice(0, MAX_ROWS).filter((row) => {
    bytes += Buffer.byteLength(JSON.stringify(row)) + 2;
    return bytes <= MAX_BYTES;
  });
}

/** JSON, with a line for each row. */
export const formatRows = (rows: readonly DenialRow[]): string =>
  `[${rows.map((row) => `\n${JSON.stringify(row)}`).join(",")}\n]\n`;

/** The rows of a report; none when the text is not a report. */
export function parseRows(text: string): DenialRow[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.filter(isRow) : [];
  } catch {
    return [];
  }
}

function isRow(value: unknown): value is DenialRow {
  if (!isMap(value) || !isMap(value.example) || typeof value.count !== "number") return false;
  const texts = ["identity", "user", "rule", "firstAt", "lastAt"].map((member) => value[member]);
  return [...texts, ...Object.values(value.example)].every((text) => typeof text === "string");
}

const keyOf = ({ user, rule }: DenialRow): string => `${rule}\n${user}`;

function joined(a: DenialRow, b: DenialRow): DenialRow {
  const newer = a.lastAt > b.lastAt ? a : b;
  const earlier = a.firstAt < b.firstAt ? a : b;
  return {
    ...newer,
    count: a.count + b.count,
    firstAt: earlier.firstAt,
  };
}

const cut = (text: string): string => (text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`);
