import { describe, expect, it } from "vitest";
import { createEnvReader } from "../../../src/platform/env.ts";
import { UsageError } from "../../../src/platform/errors.ts";

const files: Record<string, string> = { "/secret": "s3cret\n" };
const readFile = (path: string) => {
  const text = files[path];
  if (text === undefined) throw new Error("ENOENT");
  return text;
};
const reader = (env: Record<string, string>) => createEnvReader(env, readFile);

describe("environment reader", () => {
  it("takes a value from the variable or from the file that NAME_FILE names", () => {
    expect(reader({ A: "x" }).optional("A")).toBe("x");
    expect(reader({ A_FILE: "/secret" }).optional("A")).toBe("s3cret");
    expect(reader({ A: "" }).optional("A")).toBeUndefined();
  });

  it.each([
    [{ A: "x", A_FILE: "/secret" }, "A and A_FILE are both set: keep one"],
    [{ A_FILE: "/absent" }, "A_FILE names a file that cannot be read: /absent"],
    [{}, "A is required: set it, or A_FILE"],
  ])("refuses %j", (env, message) => {
    expect(() => reader(env as Record<string, string>).required("A")).toThrow(new UsageError(message));
  });

  it.each(["-1", "1.5", "ten", "70000", "1e3"])("refuses the port %s without repeating it", (PORT) => {
    expect(() => reader({ PORT }).integer("PORT", 8085, 0, 65_535)).toThrow(
      new UsageError("PORT must be a whole number from 0 to 65535"),
    );
  });

  it("splits lists and drops blanks", () => {
    expect(reader({ L: " a, ,b," }).list("L")).toEqual(["a", "b"]);
  });

  it.each(["mysql://x", "localhost/billing", "a secret that is no URL"])(
    "refuses the database %s without repeating it",
    (DATABASE_URL) => {
      expect(() => reader({ DATABASE_URL }).databaseUrl()).toThrow(
        new UsageError("DATABASE_URL must be a postgres:// URL"),
      );
    },
  );

  it("takes a database under both names of its scheme", () => {
    for (const DATABASE_URL of ["postgres://u:p@db/billing", "postgresql://db/billing?sslmode=require"])
      expect(reader({ DATABASE_URL }).databaseUrl()).toBe(DATABASE_URL);
  });
});
