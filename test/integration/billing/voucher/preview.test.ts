import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, createPool, type Database } from "../../../../src/billing/db/database.ts";
import { createVoucherLookup } from "../../../../src/billing/voucher/preview.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";

let test: TestDatabase;
let database: Database;
let asked: unknown[];

beforeAll(async () => {
  test = await createTestDatabase();
  await test.pool.query(`
    INSERT INTO promo_codes (code, credit_omr, active, adopted, created_at, deleted_at) VALUES
      ('LIVE', 1, true, false, '2025-01-01', NULL), ('ENDED', 2, false, false, '2025-01-01', NULL),
      ('GONE', 3, false, false, '2025-01-01', '2025-02-01'),
      ('twin', 4, true, true, '2025-01-01', NULL), ('TWIN', 5, true, true, '2025-01-02', NULL),
      ('older', 6, true, true, '2025-01-01', NULL), ('Older', 7, true, true, '2025-01-02', NULL)`);
  const real = createDatabase(createPool(test.url, 4, createLogger("test", "silent")));
  database = {
    ...real,
    query(statement) {
      asked.push(statement.values);
      return real.query(statement);
    },
  };
});

afterAll(async () => {
  await database.pool.end();
  await test.drop();
});

describe("concurrent lookups", () => {
  it("queries the database once, and returns to each lookup its own code", async () => {
    asked = [];
    const find = createVoucherLookup({ database });
    const keys = ["LIVE", "NOBODYS", "ENDED", "LIVE", "GONE", "TWIN", "OLDER"];
    const found = await Promise.all(keys.map(find));
    expect(asked).toEqual([[keys]]);
    expect(
      found.map(
        (offer) =>
          offer && [offer.preview.code, offer.preview.credit_omr, offer.preview.accepting_redemptions],
      ),
    ).toEqual([
      ["LIVE", 1, true],
      undefined,
      ["ENDED", 2, false],
      ["LIVE", 1, true],
      undefined,
      ["TWIN", 5, true],
      ["older", 6, true],
    ]);
  });

  it("returns only the five public members", async () => {
    asked = [];
    expect((await createVoucherLookup({ database })("LIVE"))?.preview).toEqual({
      code: "LIVE",
      credit_omr: 1,
      description: "",
      active: true,
      accepting_redemptions: true,
    });
  });

  it("fails all lookups while the database is unreachable, and recovers afterwards", async () => {
    let isDown = true;
    const find = createVoucherLookup({
      database: {
        ...database,
        query: (statement) => (isDown ? Promise.reject(new Error("down")) : database.query(statement)),
      },
    });
    asked = [];
    const lost = await Promise.allSettled([find("LIVE"), find("ENDED")]);
    expect(lost.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    isDown = false;
    expect((await find("LIVE"))?.preview.code).toBe("LIVE");
  });
});
