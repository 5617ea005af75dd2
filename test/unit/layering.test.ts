import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = resolve(import.meta.dirname, "../../src");
const TEST = join(SRC, "../test");

/** Rows of the table in docs/architecture.md, longest folder first: a folder, and the folders that it may import. */
const MAY_IMPORT = readImportTable(
  readFileSync(join(SRC, "../docs/architecture.md"), "utf8").split(
    "## Folders, and who may import whom",
  )[1] ?? "",
);

function readImportTable(section: string): [folder: string, allowed: string[]][] {
  const rows = [...section.matchAll(/^\| `src\/([a-z/-]+)` \|[^|]*\| ([^|]+) \|$/gm)];
  const folders = rows.map(([, folder = ""]) => folder);
  return rows
    .map(([, folder = "", cell = ""]): [string, string[]] => {
      if (cell === "everything") return [folder, folders];
      if (cell === "nothing of ours") return [folder, []];
      const allowed = cell.split(", ");
      const unknown = allowed.filter((name) => !folders.includes(name));
      if (unknown.length > 0)
        throw new Error(`src/${folder}: the table has no row for ${unknown.join(", ")}`);
      return [folder, allowed];
    })
    .sort(([a], [b]) => b.length - a.length);
}

/**
 * The folders of billing, and what else in billing each may import. Files at billing's root that are not listed
 * assemble the service, and may import every folder.
 */
const BILLING_MAY_IMPORT: Record<string, string[]> = {
  "errors.ts": [],
  "metric.ts": [],
  "branding.ts": [],
  db: ["errors.ts"],
  auth: ["errors.ts", "db"],
  voucher: ["errors.ts", "db", "auth"],
  tenant: ["errors.ts", "db"],
  event: ["db", "tenant"],
  payment: ["errors.ts", "metric.ts", "db", "voucher"],
  ledger: ["errors.ts", "db", "auth", "voucher", "tenant", "event"],
  checkout: ["errors.ts", "metric.ts", "db", "auth", "voucher", "tenant", "payment"],
  http: ["errors.ts", "branding.ts", "db", "auth", "voucher", "tenant", "payment", "ledger", "checkout"],
};

const KUBERNETES_CLIENT_USERS = ["kube", "playground", "cli"];

/** A package: other folders may import only its entry. */
const PACKAGE = "playground/apiserver";
const PACKAGE_ENTRY = `${PACKAGE}/index.ts`;
const PURE =
  /(^controllers\/[^/]+\/(desired|status)[^/]*\.ts$)|(^admission\/(rules|policy)\/)|(^admission\/trust-policy\.ts$)|(^controllers\/readiness\.ts$)|(^billing\/voucher\/voucher\.ts$)/;

/** Other files that pure files may import. They also contain only functions of their arguments. */
const PURE_NEIGHBOURS = [
  "controllers/owner-reference.ts",
  "controllers/rbac-subject.ts",
  "platform/canonical-json.ts",
];
/** Packages that need no clock if they are given a time. Only this pure file may import each. */
const PURE_PACKAGES: Record<string, string> = { croner: "admission/rules/change-window.ts" };

function folderOf(file: string): string {
  const folder = MAY_IMPORT.map(([name]) => name).find((name) => file.startsWith(`${name}/`));
  if (folder === undefined) throw new Error(`src/${file} lies in no known folder`);
  return folder;
}

interface Import {
  file: string;
  specifier: string;
  typeOnly: boolean;
}

/** src/cli/main.ts is a link. Its imports count in the file that it links to. */
const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".ts") && !lstatSync(join(SRC, name)).isSymbolicLink(),
);
const sources = files.map((file) => ({ file, text: readFileSync(join(SRC, file), "utf8") }));
const imports: Import[] = sources.flatMap(({ file, text }) =>
  [
    ...text.matchAll(
      /^\s*(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|import\("([^"]+)"\)/gm,
    ),
  ].map((match) => ({ file, specifier: match[2] ?? match[3] ?? "", typeOnly: match[1] !== undefined })),
);

const pure = sources.filter(({ file }) => PURE.test(file));

describe("layering", () => {
  it("finds the table, the tree and its imports", () => {
    expect(MAY_IMPORT.length).toBeGreaterThan(9);
    expect(files.length).toBeGreaterThan(300);
    expect(imports.length).toBeGreaterThan(1000);
  });

  it("has a row for each folder of src, and a folder for each row", () => {
    const folders = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const top = folders.map(({ name }) => name).sort();
    expect([...new Set(MAY_IMPORT.map(([folder]) => folder.split("/")[0]))].sort()).toEqual(top);
    expect(MAY_IMPORT.filter(([folder]) => !existsSync(join(SRC, folder)))).toEqual([]);
  });

  it("lets each folder import only what the architecture allows", () => {
    const forbidden = imports
      .filter(({ specifier }) => specifier.startsWith("."))
      .filter(({ file, specifier }) => {
        const target = relative(SRC, resolve(SRC, dirname(file), specifier));
        const from = folderOf(file);
        const to = folderOf(target);
        return from !== to && !MAY_IMPORT.find(([name]) => name === from)?.[1].includes(to);
      })
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(forbidden).toEqual([]);
  });

  it("lets each folder of billing import only what its table allows", () => {
    /** The part of billing that a file belongs to: a folder, or a file at the root. */
    const partOf = (file: string) => file.split("/")[1] ?? "";
    const forbidden = imports
      .filter(({ file, specifier }) => file.startsWith("billing/") && specifier.startsWith("."))
      .map(({ file, specifier }) => ({ file, target: relative(SRC, resolve(SRC, dirname(file), specifier)) }))
      .filter(({ file, target }) => {
        const [from, to] = [partOf(file), partOf(target)];
        const allowed = BILLING_MAY_IMPORT[from];
        if (!target.startsWith("billing/") || from === to) return false;
        return allowed === undefined ? !from.endsWith(".ts") : !allowed.includes(to);
      })
      .map(({ file, target }) => `${file} imports ${target}`);
    expect(forbidden).toEqual([]);
  });

  it("lets other folders import only the entry of the API server's package", () => {
    const targets = imports
      .filter(({ file, specifier }) => specifier.startsWith(".") && folderOf(file) !== PACKAGE)
      .map(({ file, specifier }) => ({ file, target: relative(SRC, resolve(SRC, dirname(file), specifier)) }))
      .filter(({ target }) => folderOf(target) === PACKAGE);
    expect(targets.map(({ file }) => file)).toContain("playground/control-plane/embedded.ts");
    expect(targets.filter(({ target }) => target !== PACKAGE_ENTRY)).toEqual([]);
  });

  it("lets the API server's package import only its own dependencies", () => {
    const { dependencies } = JSON.parse(readFileSync(join(SRC, PACKAGE, "package.json"), "utf8"));
    const foreign = imports
      .filter(({ file, specifier }) => folderOf(file) === PACKAGE && !/^(\.|node:)/.test(specifier))
      .map(({ specifier }) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
    expect(foreign).toContain("@marcbachmann/cel-js");
    expect(foreign.filter((name) => !Object.hasOwn(dependencies, name))).toEqual([]);
  });

  it("lets controllers import only pure files of admission", () => {
    const forbidden = imports
      .filter(({ file, specifier }) => file.startsWith("controllers/") && specifier.startsWith("."))
      .map(({ file, specifier }) => ({ file, target: relative(SRC, resolve(SRC, dirname(file), specifier)) }))
      .filter(({ target }) => target.startsWith("admission/") && !PURE.test(target))
      .map(({ file, target }) => `${file} imports ${target}`);
    expect(forbidden).toEqual([]);
  });

  it("keeps Kubernetes-client values in kube, playground and cli", () => {
    const forbidden = imports
      .filter(({ specifier, typeOnly }) => specifier.startsWith("@kubernetes/") && !typeOnly)
      .filter(({ file }) => !KUBERNETES_CLIENT_USERS.includes(folderOf(file)))
      .map(({ file }) => file);
    expect(forbidden).toEqual([]);
  });

  it("keeps process.env in cli", () => {
    expect(
      sources
        .filter(({ file, text }) => !file.startsWith("cli/") && text.includes("process.env"))
        .map(({ file }) => file),
    ).toEqual([]);
  });

  it("keeps prom-client in platform/metrics", () => {
    expect(imports.filter(({ specifier }) => specifier === "prom-client").map(({ file }) => file)).toEqual([
      "platform/metrics.ts",
      "platform/metrics.ts",
    ]);
  });

  it("keeps pure files free of clocks, I/O and logs", () => {
    const impure =
      /\b(Date\.now|performance\.|Math\.random|setTimeout|setInterval|setImmediate|fetch\(|Intl\.|console\.|process\.)|new Date\(\)|toLocale|"node:(?!net")/;
    expect(pure.filter(({ text }) => impure.test(text)).map(({ file }) => file)).toEqual([]);
  });

  it("lets pure files import values only from pure files", () => {
    const isPure = (file: string) =>
      PURE.test(file) || file.startsWith("api/") || PURE_NEIGHBOURS.includes(file);
    const names = pure.map(({ file }) => file);
    const forbidden = imports
      .filter(
        ({ file, specifier, typeOnly }) => names.includes(file) && specifier.startsWith(".") && !typeOnly,
      )
      .filter(({ file, specifier }) => !isPure(relative(SRC, resolve(SRC, dirname(file), specifier))))
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(forbidden).toEqual([]);
    expect(
      imports
        .filter(
          ({ file, specifier, typeOnly }) => names.includes(file) && !specifier.startsWith(".") && !typeOnly,
        )
        .filter(({ file, specifier }) => PURE_PACKAGES[specifier] !== file)
        .map(({ file, specifier }) => `${file} imports ${specifier}`),
    ).toEqual([]);
  });

  it("lets tests wait only through test/support/wait.ts, whose bounds suit a busy machine", () => {
    const tests = readdirSync(TEST, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".ts"),
    );
    const waiting = tests.filter((file) =>
      /\bvi\s*\.\s*wait(For|Until)\b|\bexpect\s*\.\s*poll\b/.test(readFileSync(join(TEST, file), "utf8")),
    );
    expect(waiting).toEqual(["support/wait.ts"]);
  });
});
