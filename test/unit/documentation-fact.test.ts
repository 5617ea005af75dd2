import { globSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { admissionPath } from "../../src/admission/routes.ts";
import { NAMESPACE_SELECTIONS } from "../../src/admission/rules/request.ts";
import { RULE_IDS } from "../../src/admission/rules/rule-id.ts";
import {
  blocksOf,
  isFile,
  linksOf,
  matchesOf,
  npmScriptsOf,
  PAGES,
  pathsOf,
  readPage,
  spansOf,
} from "../support/builder/documentation-page.ts";
import { FOREIGN_NAMES } from "../support/builder/foreign-name.ts";
import {
  isCommand,
  isEndpoint,
  isField,
  isFlag,
  isMetric,
  isOpenField,
  isReasonConditionOrKind,
  isTableColumnOrCode,
  isVariable,
} from "../support/builder/program-name.ts";

const ROOT = join(import.meta.dirname, "../..");
const spans = [...new Set(PAGES.flatMap((page) => spansOf(readPage(page))))];
const foreign = new Set(Object.values(FOREIGN_NAMES).flat());

/** The text of all files that define names. */
const OWN_TEXT = ["src", "charts", "policies", "test/bench"]
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(ts|js|sql|ya?ml|tpl)$/.test(file) && !file.includes("node_modules"))
      .map((file) => readPage(join(folder, file))),
  )
  .concat(["package.json", "Dockerfile"].map(readPage))
  .join("\n");
const OWN_WORDS = new Set(OWN_TEXT.match(/[A-Za-z_][\w-]*\w/g));
const isOwnWord = (span: string) => OWN_WORDS.has(span);
const isOwnText = (span: string) => OWN_TEXT.includes(span);
/** Whether the code declares a class, type or constant of this name, or writes it as a value. */
const isDeclared = (span: string) =>
  new RegExp(`(?:interface|type|class|const) ${span}\\b|"${span}"`).test(OWN_TEXT);

/** The fields that a manifest on a page sets, as `spec.tiers.id`. A part of a manifest may begin with any field. */
function fieldsSet(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => fieldsSet(item, path));
  if (value === null || typeof value !== "object" || (path !== "" && isOpenField(path))) return [];
  return Object.entries(value)
    .filter(([name]) => path !== "" || !["apiVersion", "kind", "metadata"].includes(name))
    .flatMap(([name, member]) => {
      const field = path === "" ? name : `${path}.${name}`;
      return [field, ...fieldsSet(member, field)];
    });
}
const fieldsInBlocks = PAGES.flatMap((page) =>
  matchesOf(readPage(page), /^ *```yaml\n(.*?)^ *```/gms).flatMap((block) => fieldsSet(parse(block))),
);

const valuesIn = (values: object, path: string): string[] =>
  Object.entries(values).flatMap(([name, value]) => [
    `${path}${name}`,
    ...(value !== null && typeof value === "object" ? valuesIn(value, `${path}${name}.`) : []),
  ]);
/** Labels and annotations are written with the group's name, or with the constant for it. */
const isLabel = (span: string) => {
  const [name = ""] = span.split(/[=<]/);
  return isOwnText(name) || isOwnText(name.replace("catalyst.openova.io", `\${GROUP}`));
};
const BENCH_HELP = readPage("test/bench/main.ts");
const RULES = new Set<string>(RULE_IDS);
const ADMISSION_PATHS = NAMESPACE_SELECTIONS.map(admissionPath);
const isFileName = (span: string) =>
  globSync(`{*,{src,charts,docs,test}/**/}${span}`, { cwd: ROOT, exclude: ["**/node_modules/**"] }).length >
    0 || isOwnText(span);
const CHART_VALUES = new Set(valuesIn(parse(readPage("charts/catalyst-operator/values.yaml")), ""));

/**
 * The kinds of names: a pattern that recognises the kind, and a check that the name is defined. The first matching
 * pattern counts.
 */
const FACTS: [kind: string, pattern: RegExp, isDefined: (span: string) => boolean][] = [
  [
    "command",
    /^(?:(?:kubectl )?catalyst [a-z][a-z-]+( |$)|npm start -- )/,
    (span) => isCommand(span.replace(/^npm start --/, "catalyst playground").replace(/^kubectl /, "")),
  ],
  [
    "flag",
    /^--[a-z][a-z-]*/,
    (span) => {
      const [flag = ""] = span.split(/[ =]/);
      return flag === "--help" || isFlag(flag) || BENCH_HELP.includes(`  ${flag} `);
    },
  ],
  [
    "variable or constant",
    /^[A-Z]+(_[A-Z]+)+(=.*)?$/,
    (span) => isVariable(span.split("=")[0] ?? "") || isDeclared(span),
  ],
  ["metric", /^catalyst_/, isMetric],
  [
    "endpoint",
    /^(?:GET|POST|PUT|DELETE) \/[\w/{}?=-]*$/,
    (span) => {
      const [endpoint = ""] = span.split("?");
      return isEndpoint(endpoint) || isOwnText(`"${endpoint.split(" ")[1]}"`);
    },
  ],
  ["file", /^[\w-]+(\.[a-z]+)*\.(ts|js|sql|md|json|ya?ml|crt|key|pem|conf)$/, isFileName],
  ["field", /^(?:spec|status)(?:\[\])?(\.[a-z]\w*(?:\[[^\]]*\])?)+$/i, isField],
  ["label or annotation", /^([\w-]+\.)?catalyst\.openova\.io\//, isLabel],
  [
    "chart value, member or name with dots",
    /^[a-z]\w*(\.[a-z]\w*)+$/i,
    (span) => CHART_VALUES.has(span) || isField(span) || isOwnText(span),
  ],
  [
    "reason, condition, kind or type",
    /^[A-Z][a-z]+([A-Z][A-Za-z]+)+$/,
    (span) => isReasonConditionOrKind(span) || isDeclared(span),
  ],
  [
    "state, role or other word with a capital",
    /^[A-Z][a-z]+$/,
    (span) => isReasonConditionOrKind(span) || isDeclared(span) || isFile(span),
  ],
  ["member or function", /^[a-z]+([A-Z][a-z0-9]*)+$/, isOwnWord],
  [
    "chart value that is set",
    /^[a-z]\w*(\.[a-z]\w*)+=/,
    (span) => CHART_VALUES.has(span.split("=")[0] ?? ""),
  ],
  [
    "path of a server or a container",
    /^\/[\w/.-]+$/,
    (span) => ADMISSION_PATHS.includes(span) || isOwnText(span),
  ],
  ["rule id or name of an object", /^[a-z]+(-[a-z]+)+$/, (span) => RULES.has(span) || isOwnWord(span)],
  [
    "error code, table or column",
    /^[a-z]+(_[a-z]+)+$/,
    (span) => isTableColumnOrCode(span) || isOwnWord(span),
  ],
];

/** What the code blocks name, also in blocks that no test runs: a pattern, and a check of its group. */
const BLOCK_FACTS: [kind: string, pattern: RegExp, isDefined: (name: string) => boolean][] = [
  ["path", /(?<![\w./$:@-])((?:src|test|charts|crds|policies|docs)\/[\w./-]*\w)/g, isFile],
  [
    "command",
    /(?:^|[\s(])catalyst (?:-- )?([a-z][a-z-]*[^|\n#&;)"`]*)/gm,
    (words) => isCommand(`catalyst ${words}`),
  ],
  ["chart value", /(?<=\bhelm [^\n]*)--set '?([\w.]+)=/g, (value) => CHART_VALUES.has(value)],
];
const blocks = PAGES.flatMap((page) => blocksOf(readPage(page)));
const namedInBlocks = (pattern: RegExp) => blocks.flatMap((block) => matchesOf(block, pattern));

const kindOf = (span: string) => FACTS.find(([, pattern]) => pattern.test(span))?.[0];

describe("the names in code spans of all pages", () => {
  it.each(FACTS)("are defined by the program, or listed as foreign: %s", async (kind, _, isDefined) => {
    const named = spans.filter((span) => kindOf(span) === kind);
    expect(named).not.toEqual([]);
    expect(named.filter((span) => !isDefined(span) && !foreign.has(span))).toEqual([]);
  });

  it.each(BLOCK_FACTS)("are defined where a code block has them: %s", (_, pattern, isDefined) => {
    const named = namedInBlocks(pattern);
    expect(named).not.toEqual([]);
    expect(named.filter((name) => !isDefined(name))).toEqual([]);
  });

  it("are fields of our kinds where a block of YAML sets them", () => {
    expect(fieldsInBlocks.filter((field) => field !== "spec" && !isField(field))).toEqual([]);
  });

  it("include each foreign name, and no foreign name is one of ours", () => {
    const unused = [...foreign].filter((name) => !spans.includes(name));
    const ours = [...foreign].filter((name) => FACTS.find(([, pattern]) => pattern.test(name))?.[2](name));
    expect({ unused, ours }).toEqual({ unused: [], ours: [] });
  });
});

/** `npx vitest run --project unit --reporter=verbose documentation-fact` prints the counts. */
it("the facts that tests check are counted by kind", async ({ annotate }) => {
  const texts = PAGES.map(readPage);
  const links = texts.flatMap(linksOf);
  const counts = [
    ["pages", PAGES.length],
    ["links", links.length],
    ["anchors", links.filter((link) => link.includes("#")).length],
    ["paths", texts.flatMap(pathsOf).length],
    ["npm scripts", texts.flatMap(npmScriptsOf).length],
    ["fields in blocks of YAML", fieldsInBlocks.length],
    ...BLOCK_FACTS.map(
      ([kind, pattern]) => [`${kind} in a code block`, namedInBlocks(pattern).length] as const,
    ),
    ...FACTS.map(([kind]) => [kind, spans.filter((span) => kindOf(span) === kind).length]),
  ];
  await annotate(counts.map(([kind, count]) => `${kind}: ${count}`).join(", "));
  expect(counts.filter(([, count]) => count === 0)).toEqual([]);
});
