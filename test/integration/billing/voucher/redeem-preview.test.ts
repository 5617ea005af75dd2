import { afterEach, describe, expect, it, vi } from "vitest";
import { issueVoucher, placeOrder, useBillings } from "../../../support/builder/billing.ts";
import { billing, preview, revoke, useOneBilling } from "../../../support/suite/one-billing.ts";

const start = useBillings();

useOneBilling();

afterEach(() => vi.useRealTimers());

describe("POST /billing/vouchers/redeem-preview", () => {
  it("returns exactly five members, and never a counter or a limit", async () => {
    await issueVoucher(billing, "SHOWN", { max_redemptions: 7 });
    await placeOrder(billing, "shown", { promo_code: "SHOWN" });
    const answer = await preview("\t shown\n");
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(
      '{"code":"SHOWN","credit_omr":25,"description":"offer","active":true,"accepting_redemptions":true}',
    );
    expect(
      [...answer.headers.keys()].filter((name) => /redempt|redeemed|remaining|limit/i.test(name)),
    ).toEqual([]);
  });

  it("returns the same bytes with 404 for an unknown and for a revoked code", async () => {
    await issueVoucher(billing, "REVOKED");
    await revoke("REVOKED");
    const [gone, never] = [await preview("REVOKED"), await preview("NEVER")];
    expect([gone.status, never.status]).toEqual([404, 404]);
    expect(gone.text).toBe(never.text);
    expect(gone.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    const shared = (headers: Headers) =>
      [...headers].filter(([name]) => !["date", "x-request-id"].includes(name));
    expect(shared(gone.headers)).toEqual(shared(never.headers));
  });

  it.each([
    ["inactive", { active: false }, false],
    ["capped", { max_redemptions: 1 }, true],
  ])(
    "returns 410 with the five members as plain JSON for a voucher that is %s",
    async (what, terms, active) => {
      const code = `ENDED-${what.toUpperCase()}`;
      await issueVoucher(billing, code, terms);
      await placeOrder(billing, `ended-${what}`, { promo_code: code });
      const answer = await preview(code);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([
        410,
        "application/json; charset=utf-8",
      ]);
      expect(answer.json).toEqual({
        code,
        credit_omr: 25,
        description: "offer",
        active,
        accepting_redemptions: false,
      });
    },
  );

  it.each(["", " ", "\t\n "])("returns 400 for the blank code %j", async (code) => {
    expect((await preview(code)).status).toBe(400);
  });

  it("limits misses more strictly than hits, per client, together with the page", async () => {
    // Only the date is fake. Timers and sockets are real.
    vi.useFakeTimers({ toFake: ["Date"] });
    const one = await start({
      env: { PREVIEW_LIMIT: "8", PREVIEW_MISS_LIMIT: "3", TRUSTED_PROXIES: "127.0.0.1, ::1" },
    });
    await one.database.pool.query(
      "INSERT INTO promo_codes (code, credit_omr, description) VALUES ('LIVE', 1, '')",
    );
    const from = (client: string, code: string) =>
      one.ask("/billing/vouchers/redeem-preview", {
        body: { code },
        headers: { "x-forwarded-for": `6.6.6.6, ${client}` },
      });
    for (const code of ["A1", "A2", "A3"]) expect((await from("1.1.1.1", code)).status).toBe(404);
    const over = await from("1.1.1.1", "LIVE");
    expect([over.status, over.json.code, over.headers.get("retry-after")]).toEqual([
      429,
      "rate_limited",
      "60",
    ]);
    const page = await one.ask("/redeem?code=LIVE", { headers: { "x-forwarded-for": "1.1.1.1" } });
    expect([page.status, page.headers.get("retry-after")]).toEqual([429, "60"]);
    // Another client, and an IPv6 subscriber who uses other addresses of the same /64.
    for (let count = 0; count < 8; count += 1) expect((await from("2.2.2.2", "LIVE")).status).toBe(200);
    expect((await from("2.2.2.2", "LIVE")).status).toBe(429);
    for (const host of [1, 2, 3]) expect((await from(`2001:db8:1:2::${host}`, "NOPE")).status).toBe(404);
    expect((await from("2001:db8:1:2:ffff::4", "LIVE")).status).toBe(429);
    expect((await from("2001:db8:1:3::1", "LIVE")).status).toBe(200);
    vi.setSystemTime(Date.now() + 60_000);
    expect((await from("1.1.1.1", "LIVE")).status).toBe(200);
  });

  it("allows a burst of hits, and no more misses than the limit at once", async () => {
    const one = await start({ env: { PREVIEW_LIMIT: "100", PREVIEW_MISS_LIMIT: "3" } });
    await one.database.pool.query(
      "INSERT INTO promo_codes (code, credit_omr, description) VALUES ('LIVE', 1, '')",
    );
    const hits = await Promise.all(Array.from({ length: 40 }, () => preview("LIVE", one)));
    expect(hits.map(({ status }) => status)).toEqual(Array(40).fill(200));
    const misses = await Promise.all(Array.from({ length: 40 }, (_, index) => preview(`MISS-${index}`, one)));
    expect(misses.filter(({ status }) => status === 404)).toHaveLength(3);
    expect(misses.filter(({ status }) => status === 429)).toHaveLength(37);
  });
});
