import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { fingerprintOf, type SchemaObject } from "../../../../src/billing/db/fingerprint.ts";
import { SCHEMA_VERSION } from "../../../../src/billing/db/schema.ts";
import { formatSchema, parseSchema } from "../../../../src/billing/db/schema-file.ts";
import { SCHEMA_PATH } from "../../../../src/cli/generate.ts";

const ROOT = resolve(import.meta.dirname, "../../../..");
const text = readFileSync(resolve(ROOT, SCHEMA_PATH), "utf8");

describe("schema.sql", () => {
  it("names its version and the fingerprint of the objects in it", () => {
    expect(text).toContain(
      `-- version ${SCHEMA_VERSION}\n-- fingerprint ${fingerprintOf(parseSchema(text))}\n`,
    );
  });

  it("has no control characters but the line feed, which Git and editors keep", () => {
    expect(text).toMatch(/^[^\p{Cc}]*(?:\n[^\p{Cc}]*)*$/u);
  });

  it("has the version and the fingerprint that the README shows", () => {
    const fingerprint = fingerprintOf(parseSchema(text));
    const shown = [
      ...readFileSync(resolve(ROOT, "README.md"), "utf8").matchAll(/schema (\S+), (sha256:[0-9a-f]+)…/g),
    ];
    expect(shown.length).toBeGreaterThan(0);
    for (const [, version, start = ""] of shown)
      expect([version, fingerprint.startsWith(start)]).toEqual([SCHEMA_VERSION, true]);
  });
});

describe("parseSchema", () => {
  it("reads back what formatSchema wrote, also where a function's body looks like statements", () => {
    const body =
      "BEGIN\nCREATE TABLE public.trap (\n  id int\n);\nCREATE INDEX trap_idx ON public.trap (id);\nEND";
    const objects: SchemaObject[] = [
      { kind: "table", name: "orders", definition: "table" },
      { kind: "column", name: "orders.id", definition: "uuid DEFAULT public.billing_id() NOT NULL" },
      { kind: "column", name: "orders.price", definition: "numeric(10,2)" },
      { kind: "type", name: "billing_line", definition: "line integer,\n  code text" },
      { kind: "constraint", name: "orders.orders_pkey", definition: "PRIMARY KEY (id)" },
      {
        kind: "constraint",
        name: "orders.orders_of",
        definition: "FOREIGN KEY (id) REFERENCES public.ids(id)",
      },
      {
        kind: "index",
        name: "orders.orders_price_idx",
        definition: "CREATE INDEX orders_price_idx ON public.orders USING btree (price)",
      },
      {
        kind: "trigger",
        name: "orders.keep",
        definition:
          "CREATE TRIGGER keep BEFORE DELETE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.f()",
      },
      {
        kind: "function",
        name: "billing_id()",
        definition: `CREATE OR REPLACE FUNCTION public.billing_id()\n RETURNS uuid\nAS $function$${body}$function$`,
      },
      {
        kind: "function",
        name: "billing_pay(o public.orders)",
        definition: `CREATE OR REPLACE FUNCTION public.billing_pay(o public.orders)\n RETURNS void\nAS $function$ $function$`,
      },
    ];
    const formatted = formatSchema("1", fingerprintOf(objects), objects);
    const read = parseSchema(formatted);
    expect(read).toHaveLength(objects.length);
    expect(read).toEqual(expect.arrayContaining(objects));
    // A function that a default calls comes before the table, the others after it.
    expect(formatted.indexOf("FUNCTION public.billing_id")).toBeLessThan(
      formatted.indexOf("CREATE TABLE public.orders"),
    );
    expect(formatted.indexOf("FUNCTION public.billing_pay")).toBeGreaterThan(
      formatted.indexOf("CREATE TABLE public.orders"),
    );
  });
});
