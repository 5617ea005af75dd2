import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Marks a directory as a playground's and lists the entries that the playground may remove. */
export const STATE_MANIFEST = "playground.json";

const NOTE =
  "Written by catalyst playground. It removes the entries listed here, and the directories once they are empty.";

interface Content {
  note: string;
  /** Directories that were created for this one, outermost first. Empty when the directory existed before. */
  directories: string[];
  /** Names in the directory. */
  entries: string[];
}

export interface StateManifest {
  /** Call it before creating the entry, so that a later playground can remove the entry if this one is killed. */
  add(entry: string): void;
  entries(): string[];
  directories(): string[];
  remove(): void;
}

/** Marks an empty directory. When two processes do so at once, the first one writes the mark and both continue. */
export function writeFirstManifest(path: string, directories: string[]): void {
  try {
    writeFileSync(join(path, STATE_MANIFEST), format({ directories, entries: [] }), {
      flag: "wx",
      mode: 0o600,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** The manifest of a directory that this process holds. */
export function createStateManifest(path: string): StateManifest {
  const file = join(path, STATE_MANIFEST);
  const partial = `${file}.partial`;
  const { directories, entries } = read(file);
  const known = new Set(entries);
  return {
    add(entry) {
      if (known.has(entry)) return;
      known.add(entry);
      writeFileSync(partial, format({ directories, entries: [...known] }), { mode: 0o600 });
      renameSync(partial, file);
    },
    entries: () => [...known],
    directories: () => [...directories],
    remove() {
      for (const name of [partial, file]) rmSync(name, { force: true });
    },
  };
}

/** Creates the directory and its parents, and returns those that this process created. */
export function createDirectories(path: string): string[] {
  // One level at a time: the recursion of Node's mkdir never ends on a file system that refuses with ENOENT, such as /proc.
  if (existsSync(path)) return [];
  const above = createDirectories(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
    return [...above, path];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return above;
  }
}

const format = (content: Omit<Content, "note">) => `${JSON.stringify({ note: NOTE, ...content }, null, 2)}\n`;

/** An unreadable manifest counts as empty: its process was killed while writing it and had created nothing else. */
function read(file: string): Omit<Content, "note"> {
  try {
    const { directories, entries } = JSON.parse(readFileSync(file, "utf8")) as Content;
    return { directories, entries };
  } catch {
    return { directories: [], entries: [] };
  }
}
