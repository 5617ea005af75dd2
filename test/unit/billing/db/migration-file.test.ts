import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../../../src/billing/db/schema.ts";

// Once a Sovereign may have run a migration, its file never changes: another migration follows. Otherwise two databases with
// the same version would have different schemas. A new migration adds its line here.
const SHIPPED = {
  "0001-earlier-tables": "33a1bfff45ed811f",
  "0002-shape": "022cf9c74d9a58c1",
  "0003-adoption": "971b25f5c7042435",
  "0004-checkout": "f6ed07fc8b9fafe6",
  "0005-payment": "069e55364636a5cc",
  "0006-index": "0d6a80cec043e70c",
};

const FUNCTION_FOLDER = resolve(import.meta.dirname, "../../../../src/billing/db/function");
const FUNCTION_FILES = readdirSync(FUNCTION_FOLDER).map((file) => ({
  file,
  text: readFileSync(resolve(FUNCTION_FOLDER, file), "utf8"),
}));

/** The whole statement of each function in a migration, with the comment above it. */
function functionsIn(sql: string): { file: string; text: string }[] {
  const statement = /(?:^--.*\n)*^CREATE OR REPLACE FUNCTION public\.(\w+)\([\s\S]*?\$\$[\s\S]*?\$\$;\n/gm;
  return [...sql.matchAll(statement)].map(([text, name]) => ({ file: `${name}.sql`, text }));
}

const latest = new Map(
  MIGRATIONS.flatMap(({ name, sql }) => functionsIn(sql).map((one) => [one.file, { ...one, name }] as const)),
);

describe("a migration", () => {
  it("has the text with which it was shipped", () => {
    const digests = MIGRATIONS.map(({ name, sql }) => [
      name,
      createHash("sha256").update(sql).digest("hex").slice(0, 16),
    ]);
    expect(Object.fromEntries(digests)).toEqual(SHIPPED);
  });

  it("creates every function that stays by a whole CREATE OR REPLACE statement", () => {
    for (const { sql } of MIGRATIONS) {
      const started = [...sql.matchAll(/^CREATE (?:OR REPLACE )?FUNCTION public\.(billing_\w+)/gm)];
      expect(functionsIn(sql).map(({ file }) => file)).toEqual(started.map(([, name]) => `${name}.sql`));
      // A migration would read a function's text from the catalog only to patch it.
      expect(sql).not.toMatch(/pg_get_functiondef|prosrc/);
    }
  });
});

describe("a file in src/billing/db/function", () => {
  it("exists for each function that the migrations create", () => {
    expect(FUNCTION_FILES.length).toBeGreaterThan(10);
    expect(FUNCTION_FILES.map(({ file }) => file).sort()).toEqual([...latest.keys()].sort());
  });

  it.each(FUNCTION_FILES)(
    "equals the statement in the latest migration that creates it: $file",
    ({ file, text }) => {
      expect(text).toBe(latest.get(file)?.text);
    },
  );
});
