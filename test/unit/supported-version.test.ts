import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SUPPORTED } from "../../src/operator/preflight/supported-version.ts";
import { GIT_VERSION } from "../../src/playground/apiserver/discovery.ts";
import { readPage } from "../support/builder/documentation-page.ts";
import { SERVERS } from "../support/server/postgres-version.ts";

const { kubernetes, postgres } = SUPPORTED;

/** The cells of a row of docs/supported-versions.md. */
function rowOf(what: string): string[] {
  const row = readPage("docs/supported-versions.md")
    .split("\n")
    .find((line) => line.startsWith(`| ${what} |`));
  return (row ?? "")
    .split("|")
    .map((cell) => cell.trim())
    .slice(2);
}

/** The match of the pattern's first group in a file. */
const found = (path: string, pattern: RegExp) => pattern.exec(readPage(path))?.[1];

describe("docs/supported-versions.md", () => {
  it("states the versions of Kubernetes that preflight accepts", () => {
    const [supported, tested, otherwise] = rowOf("Kubernetes");
    expect(supported).toBe(`1.${kubernetes.from} to 1.${kubernetes.to}`);
    expect(tested).toContain(`kube-apiserver 1.${kubernetes.to} `);
    expect(tested).toContain(`and 1.${kubernetes.from} `);
    expect(otherwise).toContain(`older than 1.${kubernetes.oldest}.`);
    expect(otherwise).toContain(
      `Between 1.${kubernetes.oldest} and 1.${kubernetes.from - 1}, and above 1.${kubernetes.to},`,
    );
  });

  it("states the versions of PostgreSQL that preflight accepts", () => {
    const [supported, tested] = rowOf("PostgreSQL");
    expect(supported).toBe(`${postgres.from} to ${postgres.to}`);
    for (const { version } of SERVERS) expect(tested).toContain(String(version));
  });

  it("states the Node of the image, and the oldest that the program accepts", () => {
    const [supported, , otherwise] = rowOf("Node in the image");
    expect(readPage(".nvmrc").trim()).toBe(supported);
    expect(found("Dockerfile", /^ARG NODE_IMAGE=node:(\d+)-slim$/m)).toBe(supported);
    expect(otherwise).toContain(
      `older than ${found("src/cli/entry/main.ts", /^const NEEDED = "([\d.]+)";$/m)}`,
    );
    const [oldest = ""] = rowOf("Node that runs `catalyst` from a checkout");
    expect(otherwise).toContain(`older than ${oldest.replace(" or later", "")}`);
    const { engines } = JSON.parse(readPage("package.json")) as { engines: { node: string } };
    expect(rowOf("Node on a developer's machine")[0]).toBe(
      `${engines.node.replace(">=", "")} or later, with npm`,
    );
  });
});

describe("the supported versions", () => {
  it("of Kubernetes include the newest and the oldest of the test tools, and that of the embedded API server", () => {
    const tools = "test/conformance/build-tools.sh";
    expect(found(tools, /^KUBERNETES=1\.(\d+)\./m)).toBe(String(kubernetes.to));
    expect(found(tools, /^PREVIOUS_KUBERNETES=1\.(\d+)\./m)).toBe(String(kubernetes.from));
    expect(GIT_VERSION).toMatch(new RegExp(`^v1\\.${kubernetes.to}\\.`));
    expect(found("charts/catalyst-operator/Chart.yaml", /^kubeVersion: ">=1\.(\d+)\.0-0"$/m)).toBe(
      String(kubernetes.oldest),
    );
  });

  it("of PostgreSQL are those that conformance runs on", () => {
    const versions = Array.from(
      { length: postgres.to - postgres.from + 1 },
      (_, index) => postgres.from + index,
    );
    expect(SERVERS.map(({ version }) => version)).toEqual(versions);
  });

  it("of Node are checked by the entry file, which prints a remedy on an older one", () => {
    const entry = join(import.meta.dirname, "../../src/cli/entry/main.ts");
    const script = `Object.defineProperty(process.versions, "node", { value: "24.14.9" }); ${readFileSync(entry, "utf8").replace(/^#!.*/, "")}`;
    const run = () =>
      execFileSync(process.execPath, ["--input-type=commonjs", "--eval", script], {
        stdio: "pipe",
        encoding: "utf8",
      });
    expect(run).toThrow("catalyst: needs Node 24.15 or later, and this is 24.14.9.");
  });
});
