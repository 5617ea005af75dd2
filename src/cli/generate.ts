import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { GROUP } from "../api/kind.ts";
import { KINDS } from "../api/kind-list.ts";
import { definitionText } from "../operator/preflight/definition-text.ts";
import { type Command, EXIT, type NamedCommand } from "./command.ts";
import { type Flag, parseCommandLine } from "./flag.ts";
import { chartPage } from "./generate-chart-page.ts";
import { commandPage } from "./generate-command-page.ts";
import { errorPage } from "./generate-error-page.ts";
import { flagPage } from "./generate-flag-page.ts";
import { type Example, kindIndex, kindPage, pageName } from "./generate-kind-page.ts";
import { parityPage } from "./generate-parity-page.ts";
import { kyvernoPolicyFiles, nativePolicyFiles } from "./generate-policy.ts";
import { valuesSchema } from "./generate-values-schema.ts";

const ROOT = join(import.meta.dirname, "../..");

const CHART = "charts/catalyst-operator";
const VALUES_SCHEMA_PATH = `${CHART}/values.schema.json`;

export const SCHEMA_PATH = "src/billing/db/schema.sql";

interface GeneratedFile {
  /** The path relative to the repository. */
  path: string;
  content: string;
}

/** Every generated file except schema.sql, which needs a database. */
function generatedFiles(commands: readonly NamedCommand[]): GeneratedFile[] {
  const crds = KINDS.map((definition) => {
    return { path: `crds/${definition.plural}.${GROUP}.yaml`, content: definitionText(definition) };
  });
  const pages = KINDS.map((definition) => ({
    path: `docs/kinds/${pageName(definition.kind)}`,
    content: kindPage(definition, examplesOf(definition.kind)),
  }));
  const values = readText(`${CHART}/values.yaml`) ?? "";
  return [
    ...crds,
    ...pages,
    ...nativePolicyFiles(),
    ...kyvernoPolicyFiles(),
    { path: VALUES_SCHEMA_PATH, content: valuesSchema(readText(VALUES_SCHEMA_PATH) ?? "", values) },
    { path: `${CHART}/README.md`, content: chartPage(values) },
    { path: "docs/kinds/README.md", content: kindIndex(KINDS) },
    { path: "docs/operator-flags.md", content: flagPage() },
    { path: "docs/command-line.md", content: commandPage(commands) },
    { path: "docs/errors.md", content: errorPage() },
    { path: "docs/POLICIES.md", content: parityPage() },
  ];
}

function examplesOf(kind: string): Example[] {
  return readdirSync(join(ROOT, "docs/examples"))
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .map((file) => ({ path: `../examples/${file}`, text: readText(`docs/examples/${file}`) ?? "" }))
    .filter(({ text }) => new RegExp(`^kind: ${kind}$`, "m").test(text));
}

/** Paths of generated files that differ from what the code generates now. Leaves out schema.sql, which needs a database. */
export function staleFiles(commands: readonly NamedCommand[]): string[] {
  return generatedFiles(commands)
    .filter(({ path, content }) => readText(path) !== content)
    .map(({ path }) => path);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), "utf8");
  } catch {
    return undefined;
  }
}

const FLAGS = [
  { name: "check", description: "write nothing, and list the stale files" },
] as const satisfies readonly Flag[];

export const createCommand = (loadCommands: () => Promise<NamedCommand[]>): { command: Command } => ({
  command: {
    summary: "write the generated files: CRDs, policies, pages, the database schema",
    description: [
      "Writes the files that follow from the source. From src/api: crds/*.yaml, docs/kinds/*.md, and the Pod settings in the chart's values.schema.json. From src/admission/policy: policies/*/*.yaml and docs/POLICIES.md. From the commands, the operator's flags and the table of problems: docs/command-line.md, docs/operator-flags.md and docs/errors.md. From the migrations, which it runs on a PostgreSQL of its own: src/billing/db/schema.sql.",
    ],
    flags: FLAGS,
    examples: [["catalyst generate --check", "find stale files before a commit"]],
    exitCodes: "0 done, or no file is stale; 1 a file is stale; 2 wrong usage",
    endsItself: true,
    async run({ args, signal, stdout }) {
      const check = parseFlags(args);
      // Loaded on demand, because the help of this command needs no database.
      const { generateSchema } = await import("./generate-schema.ts");
      const schema = { path: SCHEMA_PATH, content: await generateSchema(signal) };
      const stale = [...generatedFiles(await loadCommands()), schema].filter(
        ({ path, content }) => readText(path) !== content,
      );
      if (!check) {
        for (const { path, content } of stale) {
          mkdirSync(dirname(join(ROOT, path)), { recursive: true });
          writeFileSync(join(ROOT, path), content);
        }
      }
      for (const { path } of stale)
        stdout.write(`${check ? "stale" : "written"}: ${relative(".", join(ROOT, path))}\n`);
      return check && stale.length > 0 ? EXIT.checkFailed : EXIT.done;
    },
  },
});

const parseFlags = (args: string[]): boolean => parseCommandLine(FLAGS, args).values.check;
