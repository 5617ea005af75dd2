import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file)),
];

describe.each(pages)("%s", (page) => {
  const text = readFileSync(join(ROOT, page), "utf8");

  it("links to nothing that is not there", () => {
    const prose = text.replace(/`[^`\n]*`/g, "");
    const links = [...prose.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target = ""]) => target);
    const dead = links.filter((target) => !existsSync(join(ROOT, dirname(page), target)));
    expect(dead).toEqual([]);
  });

  it("names no file of the repository that is not there", () => {
    const named = [...text.matchAll(/`((?:src|test|charts|crds|policies|docs)\/[\w./-]+)`/g)].map(
      ([, path = ""]) => path,
    );
    const dead = named.filter((path) => !existsSync(join(ROOT, path)));
    expect(dead.map((path) => relative(".", path))).toEqual([]);
  });
});
