import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { READY, RECONCILING, STALLED } from "../../src/api/condition.ts";
import { OPERATOR_KEY_SECRET, SYSTEM_NAMESPACE, WEBHOOK_TLS_SECRET } from "../../src/api/name.ts";
import { KINDS } from "../../src/api/registry.ts";
import { SOVEREIGN_CONDITION } from "../../src/api/sovereign-status.ts";
import type { Command } from "../../src/cli/command.ts";

const ROOT = join(import.meta.dirname, "../..");
const page = readFileSync(join(ROOT, "docs/runbook.md"), "utf8");
const prose = page.replace(/^```.*?^```/gms, "");
const spans = [...new Set([...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span))];

/** The program's text without its comments, so that no comment defines a name. */
function codeIn(folder: string): string {
  return readdirSync(join(ROOT, "src", folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(ROOT, "src", folder, file), "utf8"))
    .join("\n")
    .replace(/\/\*.*?\*\//gs, "")
    .replace(/^\s*\/\/.*$/gm, "");
}
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = ""]) => name);

const reconcilers = ["controllers", "kube", "operator"].map(codeIn).join("\n");
/** A reason is a whole string literal of a controller, never a part of another text. */
const reasons = matches(reconcilers, /"([A-Z][a-z]+(?:[A-Z][A-Za-z]+)*)"/g);
const conditions: string[] = [READY, RECONCILING, STALLED, ...Object.values(SOVEREIGN_CONDITION)];
const kinds = KINDS.map(({ kind }): string => kind);

/** Metrics with the names of their labels, from the constructors that define them. */
const metrics = new Map(
  ["billing", "operator", "admission"].flatMap((folder) =>
    [...codeIn(folder).matchAll(/new (?:Counter|Gauge|Histogram)\(\{(.*?)\}\)/gs)].map(([, options = ""]) => {
      const [, name = ""] = /name: "([a-z_]+)"/.exec(options) ?? [];
      const [, labels = ""] = /labelNames: \[([^\]]*)\]/.exec(options) ?? [];
      return [name, matches(labels, /"(\w+)"/g)] as const;
    }),
  ),
);

const commandNames = matches(
  readFileSync(join(ROOT, "src/cli/main.ts"), "utf8"),
  /^ {2}"?([\w-]+)"?: \(\) => import\("/gm,
);
const helps = new Map(
  await Promise.all(
    commandNames.map(async (name) => {
      const { command } = (await import(join(ROOT, `src/cli/${name}.ts`))) as { command: Command };
      return [name, command.help] as const;
    }),
  ),
);
const allHelp = [...helps.values()].join("\n");

const errorCodes = matches(readFileSync(join(ROOT, "docs/errors.md"), "utf8"), /^\| `(\w+)` \|/gm);

interface SchemaObject {
  kind: string;
  name: string;
}
const { objects } = JSON.parse(readFileSync(join(ROOT, "src/billing/db/shape.json"), "utf8")) as {
  objects: SchemaObject[];
};
const namesOf = (kind: string) => objects.filter((object) => object.kind === kind).map(({ name }) => name);
const tables = namesOf("table");
const columns = namesOf("column").map((name) => name.split(".")[1] ?? "");
const functions = namesOf("function").map((signature) => signature.split("(")[0] ?? "");
const errorStates = readdirSync(join(ROOT, "src/billing/db"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".sql"))
  .flatMap((file) => matches(readFileSync(join(ROOT, "src/billing/db", file), "utf8"), /ERRCODE = '(\w+)'/g));

/** `catalyst NAME --flag …`: the command exists, and its help has each flag. */
function isCommand(span: string): boolean {
  const [, name = "", ...rest] = span.split(" ");
  const flags = rest.filter((word) => word.startsWith("--"));
  return flags.every((flag) => new RegExp(`(^|\\s|\\[)${flag}\\b`, "m").test(helps.get(name) ?? ""));
}

/** `metric` or `metric{label="value"}`. */
function isMetric(span: string): boolean {
  const [, name = "", label] = /^(\w+)(?:\{(\w+)[^}]*\})?$/.exec(span) ?? [];
  const labels = metrics.get(name);
  return labels !== undefined && (label === undefined || labels.includes(label));
}

/** A query whose lower-case words are all tables, columns or functions of the schema. */
function isQuery(span: string): boolean {
  const words = matches(span.replace(/'[^']*'/g, ""), /\b([a-z][a-z_]*)\b/g);
  return words.every((word) => [tables, columns, functions].some((names) => names.includes(word)));
}

/** A path of a field of our kinds: each of its members is in a schema. */
function isField(span: string): boolean {
  const schemas = JSON.stringify(KINDS.map(({ spec, status }) => [spec, status]));
  const members = span.split(".").filter((member) => member !== "spec" && member !== "status");
  return members.every((member) => schemas.includes(`"${member}":{`));
}

/** Each class of names, how it is recognised, and whether its definition has the name. The first that fits counts. */
const CLASSES: [name: string, pattern: RegExp, isDefined: (span: string) => boolean][] = [
  [
    "command",
    /^catalyst [a-z-]+( |$)/,
    (span) => commandNames.includes(span.split(" ")[1] ?? "") && isCommand(span),
  ],
  ["flag", /^--[a-z-]+$/, (span) => allHelp.includes(` ${span} `) || allHelp.includes(`[${span}`)],
  ["kubectl command", /^kubectl /, () => true],
  ["query", /^SELECT /, isQuery],
  ["metric", /^catalyst_/, isMetric],
  ["Secret", /^catalyst-operator-/, (span) => [OPERATOR_KEY_SECRET, WEBHOOK_TLS_SECRET].includes(span)],
  ["namespace", /^catalyst-system$/, (span) => span === SYSTEM_NAMESPACE],
  ["SQLSTATE", /^CB\d+$/, (span) => errorStates.includes(span)],
  ["variable", /^[A-Z]+(_[A-Z]+)*$/, (span) => new RegExp(`\\b${span}\\b`).test(allHelp)],
  [
    "reason, condition or kind",
    /^[A-Z][A-Za-z]+$/,
    (span) => [reasons, conditions, kinds].some((names) => names.includes(span)),
  ],
  [
    "endpoint",
    /^(?:(?:GET|POST|PUT|DELETE) )?\/[a-z/]+$/,
    (span) => isEndpoint(span.split(" ").at(-1) ?? ""),
  ],
  [
    "code, table or column",
    /^[a-z]+_[a-z_]+$/,
    (span) => [errorCodes, tables, columns].some((names) => names.includes(span)),
  ],
  ["object in a namespace", /^deployment\/billing$/, () => true],
  ["field", /^[a-z][A-Za-z]*(\.[a-z][A-Za-z]*)+$/, isField],
  ["value", /^(pending|organization|fqdn|status)$/, () => true],
];

const routes = codeIn("billing/http");
function isEndpoint(path: string): boolean {
  return routes.includes(`"${path}"`);
}

describe("docs/runbook.md", () => {
  it("has code spans of known classes only", () => {
    expect(spans.filter((span) => !CLASSES.some(([, pattern]) => pattern.test(span)))).toEqual([]);
  });

  it.each(CLASSES)("names a %s only where its definition has it", (name, pattern, isDefined) => {
    const index = CLASSES.findIndex(([other]) => other === name);
    const ofClass = spans.filter(
      (span) => pattern.test(span) && !CLASSES.slice(0, index).some(([, earlier]) => earlier.test(span)),
    );
    expect(ofClass).not.toEqual([]);
    expect(ofClass.filter((span) => !isDefined(span))).toEqual([]);
  });

  it("names every reason for which a Sovereign is not Ready", () => {
    const steps = codeIn("controllers/sovereign") + codeIn("controllers/billing-release");
    const stops = matches(steps, /\b(?:stalled|waiting|unknown|stop|later|blockedBy)\(\s*"([A-Za-z]+)"/g);
    expect(new Set(stops).size).toBeGreaterThan(15);
    expect(stops.filter((reason) => !spans.includes(reason))).toEqual([]);
  });
});
