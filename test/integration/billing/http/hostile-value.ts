import fc from "fast-check";
import { character } from "../../../support/builder/character.ts";

/** The members of JSON schemas that the API's description uses. */
export interface Schema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  format?: string;
  pattern?: string;
}

const TEXTS = [
  "",
  " ",
  "\t\n",
  "\0",
  "a\0b",
  "\ud800",
  "\udfff",
  "\u200b",
  "\ufeff",
  "ﬁSH",
  "STRAßE",
  "__proto__",
  "constructor",
  "toString",
  "../../etc/passwd",
  "' OR 1=1 --",
  "%00",
  "%E0%A4%A",
  "💥".repeat(40),
  "A".repeat(300),
  "é".repeat(1_100),
  "-1",
  "1e309",
  "NaN",
  "null",
  "infinity",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999Z",
  "2026-02-30T00:00:00Z",
  "2026-01-01T00:00:00.0000001Z",
];
const NUMBERS = [
  0,
  -0,
  -1,
  0.1,
  1.5,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  1e30,
  -1e308,
  5e-324,
];

const nested = (depth: number): unknown => (depth === 0 ? null : [nested(depth - 1)]);

export const hostileText = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.string({ unit: character, maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
);

/** Values that no schema allows. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom<unknown>(...NUMBERS, null, true, false, [], {}, nested(14), nested(200)),
  fc.double(),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Mostly values that the schema allows, and sometimes other values, at any place in it. */
export function jsonOf(schema: Schema | undefined): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 7, arbitrary: wellFormed(schema) }, { weight: 1, arbitrary: hostileValue });
}

function wellFormed(schema: Schema | undefined): fc.Arbitrary<unknown> {
  if (schema === undefined) return hostileValue;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(jsonOf));
  switch (schema.type) {
    case "object": {
      const known: Record<string, fc.Arbitrary<unknown>> = {};
      for (const [name, member] of Object.entries(schema.properties ?? {})) known[name] = jsonOf(member);
      const members = fc.record(known, { requiredKeys: schema.required ?? [] });
      const others = fc.dictionary(hostileText, hostileValue, { maxKeys: 2 });
      return fc
        .tuple(members, fc.option(others, { freq: 7 }))
        .map(([good, other]) => ({ ...good, ...(other ?? {}) }));
    }
    case "array":
      return fc.array(jsonOf(schema.items), { maxLength: 5 });
    case "integer":
    case "number": {
      const { minimum = -10, maximum = 2 ** 53 } = schema;
      return fc.oneof(
        fc.integer({ min: Math.max(minimum, -(2 ** 31)), max: Math.min(maximum, 2 ** 31 - 1) }),
        fc.constantFrom(minimum, minimum - 1, maximum, maximum + 1, ...NUMBERS),
      );
    }
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "string":
      return textOf(schema);
    default:
      return hostileValue;
  }
}

function textOf({ format, maxLength = 0 }: Schema): fc.Arbitrary<unknown> {
  if (format === "date-time")
    return fc
      .date({ noInvalidDate: true, min: new Date("0001-01-01"), max: new Date("9999-12-31") })
      .map(String);
  // Few names, so that requests use the same rows.
  const known = fc.constantFrom("FUZZ-1", " fuzz-2 ", "FUZZ-3", "free", "small", "backup", "shop");
  return fc.oneof(
    { weight: 4, arbitrary: known },
    fc.constant("x".repeat(Math.min(maxLength, 2_000))),
    hostileText,
  );
}

/** The body of a request: JSON, or damaged JSON. */
export function rawBodyOf(schema: Schema | undefined): fc.Arbitrary<string | Uint8Array<ArrayBuffer>> {
  const text = jsonOf(schema).map((value) => JSON.stringify(value) ?? "");
  return fc.oneof(
    { weight: 12, arbitrary: text },
    { weight: 1, arbitrary: text.map((json) => json.slice(0, Math.floor(json.length / 2))) },
    { weight: 1, arbitrary: text.map((json) => json.replace("{", '{"code":"FUZZ-1","code":"FUZZ-2",')) },
    { weight: 1, arbitrary: text.map((json) => json.replace("{", '{"__proto__":{"role":"superadmin"},')) },
    { weight: 1, arbitrary: text.map((json) => json.replace(/\d+/, "9".repeat(400))) },
    { weight: 1, arbitrary: text.map((json) => `\ufeff${json}`) },
    { weight: 1, arbitrary: text.map((json) => `${json.slice(0, 1)}${" ".repeat(66_000)}${json.slice(1)}`) },
    { weight: 1, arbitrary: fc.constant("[".repeat(5_000)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => new Uint8Array(bytes)) },
  );
}
