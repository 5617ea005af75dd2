import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

interface Proof {
  path: string;
  /** The titles of `describe` groups. */
  titles: string[];
}

const groups = read("docs/PROVISIONING-PLAN.md")
  .split("\n")
  .filter((line) => /^\| [A-Z] \|/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, name = "", , status = "", proof = "", missing = ""]) => ({
    name,
    status,
    missing,
    proofs: [...proof.matchAll(/`([^`]+)`(?: \(([^)]*)\))?/g)].map(
      ([, path = "", titles = ""]): Proof => ({
        path,
        titles: [...titles.matchAll(/\*([^*]+)\*/g)].map(([, title = ""]) => title),
      }),
    ),
  }));

const testFilesIn = (path: string): string[] =>
  statSync(join(ROOT, path)).isDirectory()
    ? readdirSync(join(ROOT, path), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".test.ts"))
        .map((file) => join(path, file))
    : [path];

/** Files whose tests come from a shared suite. The runner lists such tests only while it runs them. */
function suiteOf(file: string): string | undefined {
  const [, suite, path = ""] =
    /import \{ (describe\w+) \} from "(\.[^"]+\/suite\/[^"]+)"/.exec(read(file)) ?? [];
  return suite !== undefined && new RegExp(`^${suite}\\(`, "m").test(read(file))
    ? join(dirname(file), path)
    : undefined;
}

/** The titles of the groups that the test runner lists for each file. Skipped tests are not listed. */
async function listedGroups(files: string[]): Promise<Map<string, Set<string>>> {
  const projects = ["unit", "integration", "conformance", "node"].map((project) => `--project=${project}`);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "list", "--json", ...projects, ...files],
    { cwd: ROOT, env: { PATH: process.env.PATH }, maxBuffer: 64 * 1024 * 1024 },
  );
  const tests = JSON.parse(stdout) as { name: string; file: string }[];
  return Map.groupBy(tests, ({ file }) => relative(ROOT, file))
    .entries()
    .reduce(
      (all, [file, listed]) => all.set(file, new Set(listed.map(({ name }) => name.split(" > ")[0] ?? ""))),
      new Map<string, Set<string>>(),
    );
}

const proofs = groups.flatMap((group) => group.proofs);
const ofTests = proofs.filter(({ path }) => path.startsWith("test/") && existsSync(join(ROOT, path)));
const files = [...new Set(ofTests.flatMap(({ path }) => testFilesIn(path)))];
const listed = await listedGroups(files.filter((file) => suiteOf(file) === undefined));
for (const file of files) {
  const suite = suiteOf(file);
  if (suite === undefined) continue;
  listed.set(
    file,
    new Set([...read(suite).matchAll(/\bdescribe\(\s*["`]([^"`]+)/g)].map(([, title = ""]) => title)),
  );
}

/**
 * The texts of the column *Missing*, and whether the program has the feature by now. The change that adds a feature
 * also changes the page.
 */
const MISSING: [group: string, text: string, exists: () => boolean | Promise<boolean>][] = [
  ["K", "the rules for Kyverno", () => existsSync(join(ROOT, "policies/kyverno"))],
  ["K", "a watch of the operator over policies and bindings", mayWatchPolicies],
];

/** Whether the operator's role allows it to watch policies. */
function mayWatchPolicies(): boolean {
  const role = parse(read("charts/catalyst-operator/files/operator-clusterrole.yaml")) as {
    rules: { resources?: string[]; verbs: string[] }[];
  };
  expect(role.rules.length).toBeGreaterThan(5);
  return role.rules.some(
    ({ resources = [], verbs }) =>
      resources.includes("validatingadmissionpolicies") && verbs.includes("watch"),
  );
}

describe("docs/PROVISIONING-PLAN.md", () => {
  it("has the groups in order", () => {
    expect(groups.map(({ name }) => name).join("")).toBe("ABCDEFGHIJKLM");
  });

  it.each(groups)("gives group $name a status that fits its missing features", ({ status, missing }) => {
    expect(["done", "partly", "open"]).toContain(status);
    expect(status === "done").toBe(missing === "–");
  });

  it.each(groups)("proves group $name by files that exist", ({ proofs: ofGroup }) => {
    expect(ofGroup).not.toEqual([]);
    expect(ofGroup.filter(({ path }) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each(groups.filter(({ status }) => status !== "open"))(
    "proves group $name by tests that the runner runs",
    ({ proofs: ofGroup }) => {
      expect(ofGroup.map(({ path }) => path).filter((path) => !path.startsWith("test/"))).toEqual([]);
      const idle = ofGroup.flatMap(({ path }) => testFilesIn(path)).filter((file) => !listed.get(file)?.size);
      expect(idle).toEqual([]);
      const unknown = ofGroup.flatMap(({ path, titles }) =>
        titles.filter((title) => !testFilesIn(path).some((file) => listed.get(file)?.has(title))),
      );
      expect(unknown).toEqual([]);
    },
  );

  it.each(MISSING)("says of group %s whether there is %s", async (group, text, exists) => {
    const { missing = "" } = groups.find(({ name }) => name === group) ?? {};
    expect(missing.includes(text)).toBe(!(await exists()));
  });
});
