import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Area } from "../support/suite/apiserver/behaviour.ts";
import { AREAS } from "../support/suite/apiserver/registry.ts";
import { CHART_MATRIX } from "../support/suite/chart-matrix.ts";

const ROOT = join(import.meta.dirname, "../..");
const page = readFileSync(join(ROOT, "docs/conformance.md"), "utf8");
const all = AREAS.flatMap(({ behaviours }) => behaviours);

/** The rows of the table below a heading, without its header. */
function rowsOf(heading: string): string[] {
  const [, section = ""] = page.split(`## ${heading}\n`);
  const [rows = ""] = section.split(/^## /m);
  return rows.split("\n").filter((line) => line.startsWith("| "));
}

function countRow(title: string, behaviours: Area["behaviours"]): string {
  const differences = behaviours.filter(({ difference }) => difference !== undefined).length;
  const count = behaviours.length;
  const same = differences === 0 ? `${count}` : `${count - differences}, and ${differences} recorded`;
  return `| ${title} | ${same} | ${count} | ${count} |`;
}

describe("docs/conformance.md", () => {
  it("counts the behaviours of each area", () => {
    expect(rowsOf("Counts").slice(1)).toEqual([
      ...AREAS.map(({ title, behaviours }) => countRow(title, behaviours)),
      countRow("All", all),
    ]);
  });

  it("states the size of the chart's matrix", () => {
    expect(page).toContain(`The chart's matrix has ${CHART_MATRIX.length} combinations of values`);
  });

  it("lists every recorded difference", () => {
    expect(rowsOf("Recorded differences").slice(1)).toEqual(
      all.flatMap(({ sentence, difference }) => {
        if (difference === undefined) return [];
        const instead =
          "tested" in difference
            ? `${difference.why} (\`${difference.tested}\`)`
            : `${difference.code}: ${difference.message.replaceAll("<number>", "…")}`;
        return [`| ${sentence} | ${instead} |`];
      }),
    );
  });
});

describe("the behaviours of API servers", () => {
  it("are at least 150, each with a different sentence", () => {
    expect(all.length).toBeGreaterThanOrEqual(150);
    expect(new Set(all.map(({ sentence }) => sentence)).size).toBe(all.length);
  });

  it("name a test that exists where the embedded API server differs", () => {
    const tests = all.flatMap(({ difference }) =>
      difference !== undefined && "tested" in difference ? [difference.tested] : [],
    );
    expect(tests.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
