import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueVoucher, startBilling, type TestBilling } from "../../../support/builder/billing.ts";
import { createTestDatabase } from "../../../support/server/postgres.ts";
import { createBreakableLine } from "../../../support/server/postgres-proxy.ts";

let line: Awaited<ReturnType<typeof createBreakableLine>>;
let billing: TestBilling;
beforeAll(async () => {
  const database = await createTestDatabase();
  line = await createBreakableLine(database.url);
  billing = await startBilling({ database, env: { DATABASE_URL: line.url, PREVIEW_LIMIT: "3" } });
  await issueVoucher(billing, "SHOWN");
});
afterAll(async () => {
  await billing.close();
  line.close();
});

const visit = async () => {
  const { status, text, headers } = await billing.ask("/redeem?code=shown");
  return { status, state: /data-state="([a-z-]+)"/.exec(text)?.[1], headers };
};

describe("/redeem", () => {
  it("stays a page while the database is away, says so, and shows the offer afterwards", async () => {
    line.cut();
    expect(await visit()).toMatchObject({ status: 503, state: "unavailable" });
    line.mend();
    expect(await visit()).toMatchObject({ status: 200, state: "offer" });
  });

  it("stays a page over the limit, and says when to come again", async () => {
    await visit();
    const { status, state, headers } = await visit();
    expect({ status, state }).toEqual({ status: 429, state: "busy" });
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  });
});
