import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { READY, RECONCILING, STALLED } from "../../../src/api/condition.ts";
import { KINDS } from "../../../src/api/kind-list.ts";
import {
  CLUSTER_REACHABLE,
  ISSUER_REACHABLE,
  SETTINGS_ACCEPTED,
  SOVEREIGN_CONDITION,
} from "../../../src/api/sovereign-status.ts";
import { claimsOf } from "../../../src/billing/db/preflight/claim.ts";
import { MIGRATIONS } from "../../../src/billing/db/schema.ts";
import { COMMAND_NAMES, loadCommands } from "../../../src/cli/command-list.ts";
import { helpText } from "../../../src/cli/help.ts";
import { readFromBilling } from "../server/billing-description.ts";
import { matchesOf, readPage } from "./documentation-page.ts";

// Names that pages repeat, each read where the program defines it.

const ROOT = join(import.meta.dirname, "../../..");

/** The program's text in a folder of src, without comments, so that no comment defines a name. */
export function codeIn(folder: string): string {
  return readdirSync(join(ROOT, "src", folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(ROOT, "src", folder, file), "utf8"))
    .join("\n")
    .replace(/\/\*.*?\*\//gs, "")
    .replace(/^\s*\/\/.*$/gm, "");
}

/** Reasons are whole string literals of the controllers, never a part of another text. */
const REASONS = matchesOf(
  ["controllers", "kube", "operator"].map(codeIn).join("\n"),
  /"([A-Z][a-z]+(?:[A-Z][A-Za-z]+)*)"/g,
);
const CONDITIONS: string[] = [
  READY,
  RECONCILING,
  STALLED,
  SETTINGS_ACCEPTED,
  CLUSTER_REACHABLE,
  ISSUER_REACHABLE,
  ...Object.values(SOVEREIGN_CONDITION),
];
const KIND_NAMES = KINDS.map(({ kind }): string => kind);

export const isReasonConditionOrKind = (name: string): boolean =>
  [REASONS, CONDITIONS, KIND_NAMES].some((names) => names.includes(name));

/** Metrics with the names of their labels, from the constructors that define them. */
const METRICS = new Map(
  ["billing", "operator", "admission"].flatMap((folder) =>
    [...codeIn(folder).matchAll(/new (?:Counter|Gauge|Histogram)\(\{(.*?)\}\)/gs)].map(([, options = ""]) => {
      const [, name = ""] = /name: "([a-z_]+)"/.exec(options) ?? [];
      const [, labels = ""] = /labelNames: \[([^\]]*)\]/.exec(options) ?? [];
      return [name, matchesOf(labels, /"(\w+)"/g)] as const;
    }),
  ),
);

/** `metric`, `metric{label}`, `metric{label,label}` or `metric{label="value"}`. */
export function isMetric(span: string): boolean {
  const [, name = "", labels = ""] = /^(\w+)(?:\{([^}]*)\})?$/.exec(span) ?? [];
  const known = METRICS.get(name);
  const named = labels === "" ? [] : labels.split(",").map((label) => label.split("=")[0] ?? "");
  return known !== undefined && named.every((label) => known.includes(label));
}

/** The help of each subcommand, by its name. */
const PROGRAM = { name: "catalyst", commands: COMMAND_NAMES };
const HELPS = new Map(
  (await loadCommands()).map(({ name, command }) => [name, helpText(PROGRAM, name, command)]),
);
const ALL_HELP = [...HELPS.values()].join("\n");

/** `catalyst NAME --flag …`: the command exists, and its help has each flag. */
export function isCommand(span: string): boolean {
  const [, name = "", ...rest] = span.split(" ");
  const help = HELPS.get(name);
  const flags = rest.filter((word) => word.startsWith("--") && word !== "--help");
  return help !== undefined && flags.every((flag) => new RegExp(`(^|\\s|\\[)${flag}\\b`, "m").test(help));
}

export const isFlag = (span: string): boolean =>
  new RegExp(`(^|\\s|\\[)${span}(?![\\w-])`, "m").test(ALL_HELP);
export const isVariable = (span: string): boolean => new RegExp(`\\b${span}\\b`).test(ALL_HELP);

/** Codes of the API's errors: a test compares the page with the program. */
const ERROR_CODES = matchesOf(readPage("docs/errors.md"), /^\| `(\w+)` \|/gm);

const SQL = MIGRATIONS.map(({ sql }) => sql).join("\n");
const CLAIMS = claimsOf(SQL);
const claimed = (kind: string) => CLAIMS.filter((claim) => claim.kind === kind).map(({ name }) => name);
const TABLES = claimed("table");
const FUNCTIONS = claimed("function");
const COLUMNS = matchesOf(
  SQL,
  /^\s+(?:ADD COLUMN (?:IF NOT EXISTS )?)?(\w+) (?:text|uuid|bigint|integer|int|boolean|bool|jsonb|timestamptz|timestamp)\b/gim,
);

export const isTableColumnOrCode = (span: string): boolean =>
  [ERROR_CODES, TABLES, COLUMNS].some((names) => names.includes(span));

/** A query whose lower-case words are all tables, columns or functions of the schema. */
export function isQuery(span: string): boolean {
  const words = matchesOf(span.replace(/'[^']*'/g, ""), /\b([a-z][a-z_]*)\b/g);
  return words.every((word) => [TABLES, COLUMNS, FUNCTIONS].some((names) => names.includes(word)));
}

export const isErrorState = (span: string): boolean => SQL.includes(`ERRCODE = '${span}'`);

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  allOf?: JsonSchema[];
}

/** The paths of a schema's fields. The items of a list have the path of the list, as in `spec.tiers.id`. */
function pathsIn(schema: JsonSchema, path: string): string[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, member]) =>
    pathsIn(member, `${path}.${name}`),
  );
  const items = schema.items === undefined ? [] : pathsIn(schema.items, path);
  return [path, ...below, ...items, ...(schema.allOf ?? []).flatMap((part) => pathsIn(part, path))];
}

const FIELDS = KINDS.flatMap(({ spec, status }) => [
  ...pathsIn(spec as JsonSchema, "spec"),
  ...pathsIn(status as JsonSchema, "status"),
]);

/** Whether a text is a whole path, or consecutive members of one, such as `billing.limits`. */
export const isField = (span: string): boolean => {
  const path = span.replace(/\[[^\]]*\]/g, "");
  return FIELDS.some((field) => `.${field}.`.includes(`.${path}.`));
};

/** Whether users choose the members of a field, as in labels: the schema then names none. */
export const isOpenField = (path: string): boolean =>
  !FIELDS.some((field) => `.${field}`.includes(`.${path}.`));

/** `METHOD /path` of each operation, as the service itself describes it. */
const OPERATIONS = await readOperations();
export const API_PATHS: readonly string[] = [
  ...new Set(OPERATIONS.map((operation) => operation.split(" ")[1] ?? "")),
];

/** `METHOD /path`, or a path that some method has. */
export const isEndpoint = (span: string): boolean => OPERATIONS.includes(span) || API_PATHS.includes(span);

async function readOperations(): Promise<string[]> {
  const { paths } = await readFromBilling(
    async (origin) =>
      (await (await fetch(`${origin}/openapi.json`)).json()) as { paths: Record<string, object> },
  );
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}
