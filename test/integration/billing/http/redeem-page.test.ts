import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueVoucher, startBilling, type TestBilling } from "../../../support/builder/billing.ts";
import { createTestDatabase } from "../../../support/server/postgres.ts";
import { createPostgresProxy } from "../../../support/server/postgres-proxy.ts";

let proxy: Awaited<ReturnType<typeof createPostgresProxy>>;
let billing: TestBilling;
beforeAll(async () => {
  const database = await createTestDatabase();
  proxy = await createPostgresProxy(database.url);
  billing = await startBilling({ database, env: { DATABASE_URL: proxy.url, PREVIEW_LIMIT: "3" } });
  await issueVoucher(billing, "SHOWN");
});
afterAll(async () => {
  await billing.close();
  proxy.close();
});

const visit = async () => {
  const { status, text, headers } = await billing.ask("/redeem?code=shown");
  return { status, state: /data-state="([a-z-]+)"/.exec(text)?.[1], headers };
};

describe("/redeem", () => {
  it("shows a page with the reason while the database is unreachable, and the offer afterwards", async () => {
    proxy.disconnect();
    expect(await visit()).toMatchObject({ status: 503, state: "unavailable" });
    proxy.reconnect();
    expect(await visit()).toMatchObject({ status: 200, state: "offer" });
  });

  it("consumes nothing, and refuses POST", async () => {
    const used = () => billing.database.pool.query("SELECT code, times_redeemed FROM promo_codes");
    const before = (await used()).rows;
    expect(await visit()).toMatchObject({ status: 200, state: "offer" });
    const refused = await billing.ask("/redeem", { raw: "code=SHOWN", method: "POST" });
    expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect((await used()).rows).toEqual(before);
  });

  it("shows a page with the waiting time above the rate limit", async () => {
    await visit();
    const { status, state, headers } = await visit();
    expect({ status, state }).toEqual({ status: 429, state: "busy" });
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  });
});
