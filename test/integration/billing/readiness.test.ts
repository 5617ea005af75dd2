import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MIGRATION_TABLE } from "../../../src/billing/db/schema.ts";
import { startBilling, type TestBilling } from "../../support/builder/billing.ts";

let billing: TestBilling;
let nowMs: number;

beforeEach(async () => {
  nowMs = Date.now();
  billing = await startBilling({ now: () => new Date(nowMs) });
});
afterEach(() => billing.close());

const drift = () => billing.database.pool.query("CREATE INDEX drifted_idx ON orders (status)");
async function measured(): Promise<{ version: string; fingerprint: string }> {
  const answer = await billing.ask("/readyz");
  expect(answer.status).toBe(200);
  return answer.json.schema;
}

describe("GET /readyz", () => {
  it("reports schema drift within 30 seconds, and does not measure at each probe", async () => {
    const before = await measured();
    await drift();
    nowMs += 28_000;
    expect(await measured()).toEqual(before);
    nowMs += 2_000;
    const after = await measured();
    expect(after.version).toBe(before.version);
    expect(after.fingerprint).not.toBe(before.fingerprint);
  });

  it("measures the schema at once when its version has changed", async () => {
    const before = await measured();
    await drift();
    await billing.database.pool.query(
      `INSERT INTO ${MIGRATION_TABLE} (name, timestamp) VALUES ('9999-later', now()::text)`,
    );
    nowMs += 2_000;
    const after = await measured();
    expect(after.version).toBe("9999-later");
    expect(after.fingerprint).not.toBe(before.fingerprint);
  });

  it("refuses an older schema within two seconds, although it served before: a backup was restored", async () => {
    await measured();
    await billing.database.pool.query(
      `DELETE FROM ${MIGRATION_TABLE} WHERE name = (SELECT max(name COLLATE "C") FROM ${MIGRATION_TABLE})`,
    );
    nowMs += 2_000;
    const answer = await billing.ask("/readyz");
    expect([answer.status, answer.json.reason]).toEqual([
      503,
      expect.stringMatching(/^the database is at schema version .*: run catalyst migrate$/),
    ]);
  });

  it("reports a missing schema within two seconds", async () => {
    await measured();
    await billing.database.pool.query(`DROP TABLE ${MIGRATION_TABLE}`);
    nowMs += 2_000;
    const answer = await billing.ask("/readyz");
    expect([answer.status, answer.json.reason]).toEqual([
      503,
      expect.stringMatching(/^the database has no billing schema/),
    ]);
  });
});
