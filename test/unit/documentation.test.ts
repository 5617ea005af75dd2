import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createRedeemText } from "../../src/billing/http/page/redeem-text.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const markdownIn = (folder: string, recursive: boolean) =>
  readdirSync(join(ROOT, folder), { recursive, encoding: "utf8" })
    .filter((file) => file.endsWith(".md") && !file.includes("node_modules"))
    .map((file) => join(folder, file));
const pages = [
  ...markdownIn(".", false),
  ...["docs", "src", "test"].flatMap((folder) => markdownIn(folder, true)),
  ...(existsSync(join(ROOT, ".github")) ? markdownIn(".github", true) : []),
];
const scripts = Object.keys((JSON.parse(read("package.json")) as { scripts: object }).scripts);

/** Prose and tables: what is left of a page without its code blocks. */
const withoutCode = (text: string) => text.replace(/^```.*?^```/gms, "");

/** The anchors that GitHub gives a page's headings. */
function anchorsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe.each(pages)("%s", (page) => {
  const text = read(page);

  it("links only to files and headings that exist", () => {
    const prose = withoutCode(text).replace(/`[^`\n]*`/g, "");
    const links = [...prose.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const dead = links.filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  it("names only files of the repository that exist", () => {
    const named = [...text.matchAll(/`((?:src|test|charts|crds|policies|docs)\/[\w./-]+)`/g)].map(
      ([, path = ""]) => path,
    );
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it("names only npm scripts that exist", () => {
    const named = [...text.matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)].map(
      ([, script = ""]) => script,
    );
    expect(named.filter((script) => !scripts.includes(script))).toEqual([]);
  });
});

/** More lines than two screens show. A page without sections, such as the record of one run, is read from its top. */
const LONG_PAGE_LINES = 100;
const longPages = pages.filter(
  (page) =>
    page.startsWith("docs/") &&
    read(page).split("\n").length > LONG_PAGE_LINES &&
    /^## /m.test(withoutCode(read(page))),
);

describe("a page of docs that is longer than two screens", () => {
  it.each(longPages)("%s links to each of its sections at its top", (page) => {
    const [top = "", ...sections] = withoutCode(read(page)).split(/^(?=## )/m);
    const linked = [...top.matchAll(/\]\(#([^)\s]+)\)/g)].map(([, anchor]) => anchor);
    const anchors = sections.map((section) => anchorsOf(section.split("\n")[0] ?? "")[0]);
    expect(anchors.filter((anchor) => !linked.includes(anchor))).toEqual([]);
  });
});

describe("docs/questions.md", () => {
  it("has thirty questions, each with a link to its answer", () => {
    const questions = read("docs/questions.md")
      .split(/^(?=\d+\. )/m)
      .slice(1);
    expect(questions.map((text) => Number.parseInt(text, 10))).toEqual(
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
    expect(questions.filter((text) => !/\?.*\]\([^)]+\)/s.test(text))).toEqual([]);
  });
});

describe("docs/billing/pages.md", () => {
  it("quotes the titles that customers see", () => {
    const [, section = ""] = read("docs/billing/pages.md").split("## What a customer sees");
    const quoted = (section.split(/^## /m)[0] ?? "").match(/"[^"]+"/g);
    const { scheduled, ended, notValid, busy } = createRedeemText("OMR").en;
    expect(quoted).toEqual([scheduled, ended, notValid, busy].map(({ title }) => `"${title}"`));
  });
});

describe("docs/adr", () => {
  const decisions = markdownIn("docs/adr", false).filter((path) => basename(path) !== "README.md");
  const index = read("docs/adr/README.md");
  const SECTIONS = ["Context", "Decision", "Alternatives", "Consequences"];

  it.each(decisions)("%s has a number, a date, a status and the sections of a decision", (path) => {
    const text = read(path);
    const [, number] = /^(\d{4})-[a-z0-9-]+\.md$/.exec(basename(path)) ?? [];
    expect(text).toMatch(new RegExp(`^# ${number}: \\S`));
    expect(text).toMatch(/^- Date: \d{4}-\d{2}-\d{2}/m);
    expect(text).toMatch(/^- Status: (accepted|superseded by \d{4})$/m);
    const sections = [...text.matchAll(/^## (.+)$/gm)].map(([, title = ""]) => title);
    expect(sections.filter((title) => SECTIONS.includes(title))).toEqual(SECTIONS);
  });

  it("lists every decision once, in the order of their numbers", () => {
    const listed = [...index.matchAll(/^\| \[\d{4}\]\(([^)]+)\)/gm)].map(([, file = ""]) => file);
    expect(listed).toEqual(decisions.map((path) => basename(path)).sort());
  });
});

describe("docs/adr/0004-dependencies.md", () => {
  it("lists every dependency, and no package that is none", () => {
    const packages = ["package.json", "src/playground/apiserver/package.json"].map(
      (path) => JSON.parse(read(path)) as Record<string, Record<string, string> | undefined>,
    );
    const dependencies = packages.flatMap(
      ({ dependencies = {}, optionalDependencies = {}, devDependencies = {} }) =>
        Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies }),
    );
    const rows = read("docs/adr/0004-dependencies.md").match(/^\| `.*$/gm) ?? [];
    const listed = rows.flatMap((row) =>
      [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
    );
    expect(listed.toSorted()).toEqual([...new Set(dependencies)].sort());
  });
});

describe("files for people and their tools", () => {
  const ownership = read(".github/CODEOWNERS")
    .split("\n")
    .filter((line) => line.startsWith("/"))
    .map((line) => line.split(/\s+/)[0] ?? "");

  it("has the Node version of the npm package in .nvmrc", () => {
    const { dependencies } = JSON.parse(read("package.json")) as { dependencies: { node: string } };
    expect(read(".nvmrc").trim()).toBe(/\d+/.exec(dependencies.node)?.[0]);
  });

  it.each(ownership)("gives an owner to %s, which exists", (pattern) => {
    expect(globSync(join(ROOT, pattern))).not.toEqual([]);
  });

  it.each(["fault", "change"])("has the issue form %s with a name and labelled fields", (form) => {
    const { name, body } = parse(read(`.github/ISSUE_TEMPLATE/${form}.yml`)) as {
      name: string;
      body: { type: string; id?: string; attributes: { label?: string } }[];
    };
    expect(name).not.toBe("");
    const fields = body.filter(({ type }) => type !== "markdown");
    expect(fields.length).toBeGreaterThan(3);
    expect(fields.filter(({ id, attributes }) => !id || !attributes.label)).toEqual([]);
  });

  it("updates each package system that the repository has", () => {
    const { updates } = parse(read(".github/dependabot.yml")) as {
      updates: { "package-ecosystem": string; directory: string }[];
    };
    const systems = updates.map((update) => update["package-ecosystem"]);
    expect(systems.toSorted()).toEqual(["docker", "github-actions", "npm"]);
    expect(updates.every(({ directory }) => existsSync(join(ROOT, directory)))).toBe(true);
  });
});

describe("the repository's text", () => {
  it("cites no section of a document that the repository does not have", () => {
    const files = ["src", "test", "docs", "charts", "policies"].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => /\.(ts|js|sql|md|yaml|sh|css)$/.test(file) && !file.includes("node_modules"))
        .map((file) => join(folder, file)),
    );
    expect(files.length).toBeGreaterThan(500);
    const citing = files.filter((file) => read(file).includes("\u00a7"));
    expect(citing).toEqual([]);
  });
});
