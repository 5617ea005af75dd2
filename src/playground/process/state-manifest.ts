import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The mark of a playground's directory: it says what in it is the playground's to remove. */
export const STATE_MANIFEST = "playground.json";

const NOTE =
  "Made by catalyst playground, which removes the entries named here, and these directories once empty.";

interface Content {
  note: string;
  /** Directories that were made on the way here, outermost first. Empty: the directory was there before. */
  directories: string[];
  /** Names in the directory. */
  entries: string[];
}

export interface StateManifest {
  /** Written down before anything is made under that name, so that nothing of ours is left after a kill. */
  add(entry: string): void;
  entries(): string[];
  directories(): string[];
  remove(): void;
}

/** Marks an empty directory. Of two processes that do so at once one is first, and both find the mark. */
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

/** Makes the directory and those above it; which ones were made. One that somebody made meanwhile is as good. */
export function makeDirectories(path: string): string[] {
  // One level at a time: Node's own recursion never ends on file systems that refuse with ENOENT, as /proc does.
  if (existsSync(path)) return [];
  const above = makeDirectories(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
    return [...above, path];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return above;
  }
}

const format = (content: Omit<Content, "note">) => `${JSON.stringify({ note: NOTE, ...content }, null, 2)}\n`;

/** Whoever was killed while marking the directory had made nothing else in it. */
function read(file: string): Omit<Content, "note"> {
  try {
    const { directories, entries } = JSON.parse(readFileSync(file, "utf8")) as Content;
    return { directories, entries };
  } catch {
    return { directories: [], entries: [] };
  }
}
