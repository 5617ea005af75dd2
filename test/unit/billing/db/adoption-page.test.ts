import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { RULES } from "../../../../src/billing/db/preflight/finding.ts";
import { MIGRATIONS } from "../../../../src/billing/db/schema.ts";
import { OBSTACLES } from "../../../support/builder/adoption-obstacle.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../../../docs/adoption.md"), "utf8");

/** First cells of the table under a heading. */
function listed(heading: string): string[] {
  const [, section = ""] = page.split(`## ${heading}\n`);
  const [table = ""] = section.split("\n## ");
  return [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name = ""]) => name);
}

const rulesThat = (outcome: "refuses" | "kept") =>
  Object.entries(RULES)
    .filter(([, is]) => is === outcome)
    .map(([rule]) => rule);

describe("docs/adoption.md", () => {
  it("has a line for each rule, in the section of what the rule does", () => {
    expect(listed("What is refused")).toEqual(rulesThat("refuses"));
    expect(listed("What is kept, or replaced, and written down")).toEqual(rulesThat("kept"));
  });

  it("has a line for each kind of row that a migration reports", () => {
    const kinds = MIGRATIONS.flatMap(({ sql }) =>
      [...sql.matchAll(/adoption_report\('([a-z-]+)'/g)].map(([, kind]) => kind),
    );
    expect(kinds.length).toBeGreaterThan(14);
    expect(listed("What is found in the rows").sort()).toEqual(kinds.sort());
  });
});

describe("the obstacles that are tested", () => {
  it("has an obstacle for each rule about objects that others left in the database", () => {
    const rights = ["server-read-only", "schema-closed", "language-closed", "not-owner"];
    expect([...new Set(OBSTACLES.map(({ rule }) => rule))].sort()).toEqual(
      rulesThat("refuses")
        .filter((rule) => !rights.includes(rule))
        .sort(),
    );
  });
});
