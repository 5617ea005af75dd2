import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const RULES = join(ROOT, "src/admission/rules");

const inCode = new Set(
  readdirSync(RULES).flatMap((file) => {
    const text = readFileSync(join(RULES, file), "utf8");
    return [...text.matchAll(/(?:rule: |refuse\(\s*input,\s*)"([a-z-]+)"/g)].map(([, rule]) => rule);
  }),
);
const franchiseModel = readFileSync(join(ROOT, "docs/FRANCHISE-MODEL.md"), "utf8");
const cannot = franchiseModel.split("It **cannot**")[1]?.split("## 6.")[0] ?? "";
const table =
  readFileSync(join(ROOT, "docs/admission.md"), "utf8").split("## Rules")[1]?.split("## Not enforced")[0] ??
  "";
const inDocs = new Set(
  table
    .split("\n")
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, rule]) => rule)),
);

describe("docs/admission.md", () => {
  it("lists every rule of the code, and no other", () => {
    expect(inCode.size).toBeGreaterThan(20);
    expect([...inDocs].sort()).toEqual([...inCode].sort());
  });
});

describe("docs/FRANCHISE-MODEL.md", () => {
  it("says of every rule what a Franchisee cannot do for it", () => {
    const named = [...cannot.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, rule]) => rule);
    expect(named.sort()).toEqual([...inCode].sort());
  });
});
