import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

export const isFile = (path: string): boolean => existsSync(join(ROOT, path));
export const readPage = (path: string): string => readFileSync(join(ROOT, path), "utf8");

export const markdownIn = (folder: string, recursive: boolean): string[] =>
  readdirSync(join(ROOT, folder), { recursive, encoding: "utf8" })
    .filter((file) => file.endsWith(".md") && !file.includes("node_modules"))
    .map((file) => join(folder, file));

/** Every page of the repository. */
export const PAGES: readonly string[] = [
  ...markdownIn(".", false),
  ...["charts", "docs", "src", "test"].flatMap((folder) => markdownIn(folder, true)),
  ...(isFile(".github") ? markdownIn(".github", true) : []),
];

/** The prose and tables of a page, without its code blocks. */
export const withoutBlocks = (text: string): string => text.replace(/^```.*?^```/gms, "");

export const matchesOf = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = ""]) => found);

/** The code spans of a page's prose and tables, each once. */
export const spansOf = (text: string): string[] => [
  ...new Set(matchesOf(withoutBlocks(text), /`([^`\n]+)`/g)),
];

/** The code blocks of a page. A command that continues on the next line is one line. */
export const blocksOf = (text: string): string[] =>
  matchesOf(text, /^ *```[^\n]*\n(.*?)^ *```/gms).map((block) => block.replace(/\\\n\s*/g, " "));

/** Targets of links within the repository. */
export const linksOf = (text: string): string[] =>
  matchesOf(withoutBlocks(text).replace(/`[^`\n]*`/g, ""), /\]\((?!https?:)([^)\s]+)\)/g);

/** Paths of the repository in code spans. */
export const pathsOf = (text: string): string[] =>
  matchesOf(text, /`((?:src|test|charts|crds|policies|docs)\/[\w./-]+)`/g);

export const npmScriptsOf = (text: string): string[] =>
  matchesOf(text, /npm run (?:--silent )?([a-z][\w:-]*)/g);

/** The anchors that GitHub gives a page's headings. */
export const anchorsOf = (text: string): string[] =>
  matchesOf(withoutBlocks(text), /^#+ (.+)$/gm).map((title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

/** A block of commands that a reader of the page can run while a playground runs. */
export interface CommandBlock {
  script: string;
  /** True if admission refuses the commands. */
  isRefused: boolean;
  /** The topology of the playground on which it runs. */
  topology: "single" | "hub";
}

/** The blocks marked `runnable` or `refused`, and with `hub` if they need that topology. */
export const commandBlocksOf = (text: string): CommandBlock[] =>
  [...text.matchAll(/^```(?:sh|bash) (runnable|refused)( hub)?\n(.*?)^```/gms)].map(
    ([, mark, hub, script = ""]) => ({
      script: script.trim(),
      isRefused: mark === "refused",
      topology: hub === undefined ? "single" : "hub",
    }),
  );
