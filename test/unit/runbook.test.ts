import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const page = readFileSync(join(ROOT, "docs/runbook.md"), "utf8");
const code = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(ts|sql)$/.test(file))
  .map((file) => readFileSync(join(ROOT, "src", file), "utf8"))
  .join("\n");
const spans = [...new Set([...page.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span))];
const named = (pattern: RegExp) => spans.filter((span) => pattern.test(span));

describe("docs/runbook.md", () => {
  it.each([
    ["reasons and conditions", /^[A-Z][a-z]+([A-Z][a-z]+)+$/],
    ["metrics", /^catalyst_[a-z_]+$/],
    ["codes, tables and columns", /^[a-z]+(_[a-z]+)+$/],
    ["variables", /^[A-Z]+(_[A-Z]+)+$/],
    ["Secrets", /^catalyst-operator-[a-z-]+$/],
  ])("names no %s that the code does not know", (_what, pattern) => {
    const names = named(pattern);
    expect(names).not.toEqual([]);
    expect(names.filter((name) => !code.includes(name))).toEqual([]);
  });

  it("names no command that is not there", () => {
    const commands = named(/^catalyst [a-z]/).map((span) => span.split(" ")[1]);
    const files = readdirSync(join(ROOT, "src/cli"));
    expect(commands.filter((command) => !files.includes(`${command}.ts`))).toEqual([]);
  });

  it("names every reason for which a Sovereign's reconcile stops", () => {
    const folder = join(ROOT, "src/controllers/sovereign");
    const text = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(join(folder, file), "utf8"))
      .join("\n");
    const stops = [...text.matchAll(/\bstalled\(\s*"([A-Za-z]+)"/g)].map(([, reason = ""]) => reason);
    expect(stops).not.toEqual([]);
    expect(stops.filter((reason) => !page.includes(`\`${reason}\``))).toEqual([]);
  });
});
