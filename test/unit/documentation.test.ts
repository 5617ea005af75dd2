import { globSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createRedeemText } from "../../src/billing/http/page/redeem-text.ts";
import {
  anchorsOf,
  isFile,
  linksOf,
  markdownIn,
  npmScriptsOf,
  PAGES,
  pathsOf,
  readPage,
  withoutBlocks,
} from "../support/builder/documentation-page.ts";

const ROOT = join(import.meta.dirname, "../..");
const scripts = Object.keys((JSON.parse(readPage("package.json")) as { scripts: object }).scripts);

describe.each(PAGES)("%s", (page) => {
  const text = readPage(page);

  it("links only to files and headings that exist", () => {
    const dead = linksOf(text).filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      if (!isFile(target)) return true;
      return anchor !== undefined && !anchorsOf(readPage(target)).includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  it("names only files of the repository that exist", () => {
    expect(pathsOf(text).filter((path) => !isFile(path))).toEqual([]);
  });

  it("names only npm scripts that exist", () => {
    expect(npmScriptsOf(text).filter((script) => !scripts.includes(script))).toEqual([]);
  });
});

/** A screen shows fewer lines. A page without sections, such as the record of a run, is read from its top. */
const LONG_PAGE_LINES = 60;
const longPages = PAGES.filter(
  (page) =>
    (page.startsWith("docs/") || !page.includes("/")) &&
    page !== "CHANGELOG.md" &&
    readPage(page).split("\n").length > LONG_PAGE_LINES &&
    /^## /m.test(withoutBlocks(readPage(page))),
);

describe("a page that is longer than a screen", () => {
  it.each(longPages)("%s links to each of its sections at its top", (page) => {
    const [top = "", ...sections] = withoutBlocks(readPage(page)).split(/^(?=## )/m);
    const linked = [...top.matchAll(/\]\(#([^)\s]+)\)/g)].map(([, anchor]) => anchor);
    const anchors = sections.map((section) => anchorsOf(section.split("\n")[0] ?? "")[0]);
    expect(anchors.filter((anchor) => !linked.includes(anchor))).toEqual([]);
  });
});

describe("docs/screenshots", () => {
  it("has no picture that no page shows", () => {
    const shown = PAGES.flatMap((page) => linksOf(readPage(page)).map((link) => join(dirname(page), link)));
    const pictures = readdirSync(join(ROOT, "docs/screenshots")).map((file) => `docs/screenshots/${file}`);
    expect(pictures.filter((picture) => !shown.includes(picture))).toEqual([]);
  });
});

describe("docs/README.md", () => {
  it("lists every page of docs once, except those in another index", () => {
    const index = readPage("docs/README.md").split(/^## /m).slice(1).join("");
    const listed = linksOf(index).map((link) => join("docs", link));
    const hasIndexOfItsOwn = /^docs\/(?:README\.md|questions\.md|(?:adr|kinds)\/(?!README))/;
    const expected = PAGES.filter((page) => page.startsWith("docs/") && !hasIndexOfItsOwn.test(page));
    expect(listed.toSorted()).toEqual([...expected, "CONTRIBUTING.md", "DEVELOPMENT.md"].sort());
  });
});

describe("docs/questions.md", () => {
  it("has thirty questions, each with a link to its answer", () => {
    const questions = readPage("docs/questions.md")
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
    const [, section = ""] = readPage("docs/billing/pages.md").split("## What a customer sees");
    const quoted = (section.split(/^## /m)[0] ?? "").match(/"[^"]+"/g);
    const { scheduled, ended, notValid, busy } = createRedeemText("OMR").en;
    expect(quoted).toEqual([scheduled, ended, notValid, busy].map(({ title }) => `"${title}"`));
  });
});

describe("docs/adr", () => {
  const decisions = markdownIn("docs/adr", false).filter((path) => basename(path) !== "README.md");
  const index = readPage("docs/adr/README.md");
  const SECTIONS = ["Context", "Decision", "Alternatives", "Consequences"];

  it.each(decisions)("%s has a number, a date, a status and the sections of a decision", (path) => {
    const text = readPage(path);
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

describe("files for people and their tools", () => {
  const ownership = readPage(".github/CODEOWNERS")
    .split("\n")
    .filter((line) => line.startsWith("/"))
    .map((line) => line.split(/\s+/)[0] ?? "");

  it("has the Node version of the npm package in .nvmrc", () => {
    const { dependencies } = JSON.parse(readPage("package.json")) as { dependencies: { node: string } };
    expect(readPage(".nvmrc").trim()).toBe(/\d+/.exec(dependencies.node)?.[0]);
  });

  it.each(ownership)("gives an owner to %s, which exists", (pattern) => {
    expect(globSync(join(ROOT, pattern))).not.toEqual([]);
  });

  it.each(["fault", "change"])("has the issue form %s with a name and labelled fields", (form) => {
    const { name, body } = parse(readPage(`.github/ISSUE_TEMPLATE/${form}.yml`)) as {
      name: string;
      body: { type: string; id?: string; attributes: { label?: string } }[];
    };
    expect(name).not.toBe("");
    const fields = body.filter(({ type }) => type !== "markdown");
    expect(fields.length).toBeGreaterThan(3);
    expect(fields.filter(({ id, attributes }) => !id || !attributes.label)).toEqual([]);
  });

  it("updates each package system that the repository has", () => {
    const { updates } = parse(readPage(".github/dependabot.yml")) as {
      updates: { "package-ecosystem": string; directory: string }[];
    };
    const systems = updates.map((update) => update["package-ecosystem"]);
    expect(systems.toSorted()).toEqual(["docker", "github-actions", "npm"]);
    expect(updates.every(({ directory }) => isFile(directory))).toBe(true);
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
    const citing = files.filter((file) => readPage(file).includes("\u00a7"));
    expect(citing).toEqual([]);
  });
});
