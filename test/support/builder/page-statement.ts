import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readPage } from "./documentation-page.ts";

/** A section of a page: each of its statements with its exact text, and the test that runs it, by file and title. */
export interface HeldSection {
  page: string;
  section: string;
  held: Record<string, readonly [file: string, title: string]>;
}

const TESTS = join(import.meta.dirname, "../..");

const isRule = (line: string) => /^\|[-| ]+\|$/.test(line);

/** The statements of a section: each sentence of its prose and lists, and each row of its tables without the head. */
export function statementsIn(page: string, heading: string): string[] {
  const [, after] = readPage(page).split(`\n## ${heading}\n`);
  if (after === undefined) throw new Error(`${page} has no section ${heading}`);
  const section = after.split(/^#{1,2} /m)[0]?.replace(/^```.*?^```/gms, "") ?? "";
  const lines = section.split("\n");
  const rows = lines.filter(
    (line, index) => line.startsWith("|") && !isRule(line) && !isRule(lines[index + 1] ?? ""),
  );
  const prose = lines
    .filter((line) => !line.startsWith("|"))
    .map((line) => line.replace(/^(- |\d\. )/, "\n"))
    .join("\n");
  const sentences = prose
    .split(/\n\s*\n/)
    .map((part) => part.replace(/\s+/g, " ").trim())
    .flatMap((part) => part.split(/(?<=\.)\s+(?=[A-Z`])/))
    .filter((sentence) => sentence !== "");
  return [...sentences, ...rows];
}

/** Whether a test file has a test of this title. */
export function hasTest(file: string, title: string): boolean {
  const path = join(TESTS, file);
  if (!existsSync(path)) return false;
  const titles = readFileSync(path, "utf8").matchAll(/(?:\(|^\s+)("(?:[^"\\\n]|\\.)*")(?:,|$)/gm);
  return [...titles].some(([, text = ""]) => text === JSON.stringify(title));
}
