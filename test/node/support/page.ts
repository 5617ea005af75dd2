import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");
const RUNNABLE = /^```sh node\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms;

/** A command block that the tests run unchanged, and the output that the page shows below it. */
interface Block {
  script: string;
  output: string;
}

export interface Section {
  title: string;
  blocks: Block[];
}

/** The sections of a page with command blocks marked `sh node`, in order. */
export function runnableSections(path: string): Section[] {
  const [, ...sections] = readFileSync(join(ROOT, path), "utf8").split(/^## /m);
  return sections
    .map((text) => ({
      title: text.slice(0, text.indexOf("\n")),
      blocks: [...text.matchAll(RUNNABLE)].map(([, script = "", output = ""]) => ({ script, output })),
    }))
    .filter(({ blocks }) => blocks.length > 0);
}

/**
 * The first line of the shown output that is missing in the real one, which must have the lines in the same order. On
 * the page, `…` matches any text, and on a line of its own any lines. Each number matches any number, and blanks match
 * any blanks.
 */
export function missingLine(output: string, shown: string): string | undefined {
  const lines = output.split("\n").map((line) => line.trimEnd());
  let at = 0;
  for (const line of shown.split("\n").filter((text) => text.trim() !== "" && text.trim() !== "…")) {
    const pattern = patternOf(line);
    const found = lines.findIndex((real, index) => index >= at && pattern.test(real));
    if (found === -1) return line;
    at = found + 1;
  }
  return undefined;
}

function patternOf(line: string): RegExp {
  const escaped = line.trimEnd().replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll(/\d+/g, "\\d+").replaceAll(/ +/g, " +").replaceAll("…", ".*")}$`);
}
