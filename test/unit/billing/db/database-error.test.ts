import pg from "pg";
import { describe, expect, it } from "vitest";
import { classify } from "../../../../src/billing/db/database.ts";
import { describeMismatch } from "../../../../src/billing/db/migrate.ts";
import { SCHEMA_VERSION } from "../../../../src/billing/db/schema.ts";
import { DatabaseUnavailableError } from "../../../../src/billing/errors.ts";

const databaseError = (code?: string) =>
  Object.assign(new pg.DatabaseError("from the server", 18, "error"), code === undefined ? {} : { code });

describe("an error of the database", () => {
  it.each<[string, Error]>([
    ["a connection that is refused", Object.assign(new Error("connect"), { code: "ECONNREFUSED" })],
    ["a connection that is cut", new Error("Connection terminated unexpectedly")],
    ["a shutdown", databaseError("57P01")],
    ["too many connections", databaseError("53300")],
    ["a failover under way", databaseError("25006")],
    ["a lock that another holds", databaseError("55P03")],
    ["a statement that takes too long", databaseError("57014")],
    ["a transaction that another won", databaseError("40P01")],
  ])("reports as temporary: %s", (_what, error) => {
    expect(classify(error)).toEqual(expect.objectContaining({ cause: error }));
    expect(classify(error)).toBeInstanceOf(DatabaseUnavailableError);
  });

  it.each<[string, unknown]>([
    ["a constraint's refusal", databaseError("23505")],
    ["a statement that is wrong", databaseError("42P01")],
    ["an error of the server without a state", databaseError()],
    ["a bug of our own", new TypeError("undefined is not a function")],
    ["what is no error", "gone"],
  ])("returns unchanged: %s", (_what, error) => {
    expect(classify(error)).toBe(error);
  });
});

describe("a database of another version", () => {
  it.each<[string | undefined, string]>([
    [
      undefined,
      `the database has no billing schema, this program needs version ${SCHEMA_VERSION}: run catalyst migrate`,
    ],
    [
      "0001-earlier-tables",
      `the database is at schema version 0001-earlier-tables, this program needs ${SCHEMA_VERSION}: run catalyst migrate`,
    ],
    [
      "9999-future",
      `the database is at schema version 9999-future, this program needs ${SCHEMA_VERSION}: run the release that migrated it`,
    ],
  ])("describes a database at %s with the remedy", (found, expected) => {
    expect(describeMismatch(found)).toBe(expected);
  });
});
