import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

const groups = read("docs/PROVISIONING-PLAN.md")
  .split("\n")
  .filter((line) => /^\| [A-Z] \|/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, name = "", , status = "", proof = "", missing = ""]) => ({ name, status, proof, missing }));

const holds = (folder: string, word: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .some((file) => read(join(folder, file)).includes(word));

/** Whoever builds one of these has a page to change. */
const BUILT: [string, string, () => boolean][] = [
  ["E", "keyless signatures", () => holds("src/admission/signature", "keyless")],
  ["I", "a change window at install time", () => holds("src/admission", "change-window")],
  ["J", "Sovereigns elsewhere", () => !holds("src/controllers/sovereign", "RemoteCluster")],
  ["K", "the rules for Kyverno", () => existsSync(join(ROOT, "policies/kyverno"))],
];

describe("docs/PROVISIONING-PLAN.md", () => {
  it("goes through the groups in order", () => {
    expect(groups.map(({ name }) => name).join("")).toBe("ABCDEFGHIJKLM");
  });

  it.each(groups)("gives group $name a status that fits what is missing", ({ status, missing }) => {
    expect(["done", "partly", "open"]).toContain(status);
    expect(status === "done").toBe(missing === "–");
  });

  it.each(groups)("shows group $name by files that are there", ({ proof }) => {
    const paths = [...proof.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path);
    expect(paths).not.toEqual([]);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each(BUILT)("says of group %s whether there is %s", (group, _what, isBuilt) => {
    const { status } = groups.find(({ name }) => name === group) ?? {};
    expect(isBuilt()).toBe(status === "done");
  });
});
