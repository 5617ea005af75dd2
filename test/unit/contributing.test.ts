import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const page = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");

interface Step {
  title: string;
  paths: string[];
  identifiers: string[];
}

/** A walk is a section with numbered steps. A step names files, and then identifiers in these files. */
const walks = page
  .split(/^## /m)
  .slice(1)
  .filter((section) => /^1\. /m.test(section))
  .map((section) => ({ walk: section.slice(0, section.indexOf("\n")), steps: stepsOf(section) }));

function stepsOf(section: string): Step[] {
  return section
    .split(/^(?=\d+\. )/m)
    .slice(1)
    .map((text) => {
      // The last step ends before the first paragraph that is not indented.
      const step = text.split(/\n\n(?=\S)/)[0] ?? "";
      const spans = [...step.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
      return {
        title: step.slice(0, step.indexOf(" ", 3)),
        paths: spans.filter((span) => /^(src|test|docs)\//.test(span)),
        identifiers: spans.filter((span) => /^[A-Za-z_]+$/.test(span)),
      };
    });
}

/** The text of a file, or of all files in a folder, without comments. */
function textOf(path: string): string {
  const full = join(ROOT, path);
  const files = statSync(full).isDirectory()
    ? readdirSync(full, { recursive: true, encoding: "utf8" }).map((file) => join(full, file))
    : [full];
  return files
    .filter((file) => /\.(ts|js|sql|md)$/.test(file))
    .map((file) => readFileSync(file, "utf8").replace(/\/\*.*?\*\//gs, ""))
    .join("\n");
}

describe("CONTRIBUTING.md", () => {
  it("walks through a rule, a field and a condition", () => {
    expect(walks.map(({ walk }) => walk)).toEqual([
      "Add an admission rule",
      "Add a voucher field",
      "Add a condition",
    ]);
    for (const { steps } of walks) expect(steps.length).toBeGreaterThan(6);
  });

  describe.each(walks)("the walk $walk", ({ steps }) => {
    it.each(steps)("names files that exist in step $title", ({ paths }) => {
      expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    });

    it.each(steps.filter(({ paths, identifiers }) => paths.length > 0 && identifiers.length > 0))(
      "names identifiers that the files contain in step $title",
      ({ paths, identifiers }) => {
        // A test may still contain an old name, so only the program's files count.
        const ofProgram = paths.filter((path) => path.startsWith("src/"));
        const text = (ofProgram.length > 0 ? ofProgram : paths).map(textOf).join("\n");
        expect(identifiers.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
      },
    );
  });

  it("quotes its examples from the program", () => {
    const examples = [...page.matchAll(/Example: (?:the\s+rule )?`([^`]+)`/g)].map(([, name = ""]) => name);
    expect(examples).toHaveLength(3);
    const text = ["src/admission/rules", "src/billing/voucher", "src/api"].map(textOf);
    expect(examples.filter((name, index) => !text[index]?.includes(name))).toEqual([]);
  });
});
