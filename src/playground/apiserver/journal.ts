import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { ApiObject } from "./object.ts";

/** One change, as one line of the journal. */
type JournalEntry =
  | { op: "put"; storage: string; object: ApiObject }
  | { op: "delete"; storage: string; namespace: string; name: string; resourceVersion: number };

export interface Journal {
  /** All entries, oldest first. Drops an incomplete last line, which a killed process leaves. */
  read(): JournalEntry[];
  append(entry: JournalEntry): void;
  /** Replaces all lines by `entries`, atomically. */
  compact(entries: Iterable<JournalEntry>): void;
  /**
   * Whether more than `minBytes`, and more than the last compaction wrote, were appended since. Of a journal that was just
   * opened, all bytes count. A compaction writes all objects, so its cost for each appended byte stays the same however
   * many objects there are.
   */
  isLong(minBytes: number): boolean;
  close(): void;
}

/**
 * The journal is a file of JSON lines in `stateDir`. Only its owner can read it, because it contains Secrets. A line is
 * written before the change is visible anywhere. It survives a crash of the process, but not one of the machine.
 */
export function openJournal(stateDir: string): Journal {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const path = join(stateDir, "journal.jsonl");
  const existing = existsSync(path) ? readFileSync(path, "utf8") : "";
  let file = openSync(path, "a", 0o600);
  let appendedBytes = Buffer.byteLength(existing);
  let compactedBytes = 0;

  function write(target: number, entry: JournalEntry): number {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    for (let offset = 0; offset < line.length; ) offset += writeSync(target, line, offset);
    return line.length;
  }

  return {
    read() {
      const lines = existing.split("\n");
      // The rest after the last newline is an incomplete line or empty.
      lines.pop();
      return lines.map((line, index) => {
        try {
          return JSON.parse(line) as JournalEntry;
        } catch (cause) {
          throw new Error(
            `${path}: line ${index + 1} is not JSON: delete the state directory to start again`,
            {
              cause,
            },
          );
        }
      });
    },

    append(entry) {
      appendedBytes += write(file, entry);
    },

    compact(entries) {
      const next = `${path}.next`;
      const target = openSync(next, "w", 0o600);
      appendedBytes = 0;
      compactedBytes = 0;
      for (const entry of entries) compactedBytes += write(target, entry);
      renameSync(next, path);
      closeSync(file);
      file = target;
    },

    isLong: (minBytes) => appendedBytes > Math.max(minBytes, compactedBytes),
    close: () => closeSync(file),
  };
}
