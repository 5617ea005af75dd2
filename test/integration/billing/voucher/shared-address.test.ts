import { describe, expect, it } from "vitest";
import { issueVoucher, signToken, type TestBilling, useBillings } from "../../../support/builder/billing.ts";

const start = useBillings();

const lookUp = async (one: TestBilling, code: string, token?: string) =>
  (await one.ask("/billing/vouchers/redeem-preview", { body: { code }, token })).status;

describe("the limit of previews behind one address", () => {
  it("counts signed-in customers by user, and all others by address", async () => {
    const one = await start({ env: { PREVIEW_LIMIT: "5", PREVIEW_MISS_LIMIT: "2" } });
    await issueVoucher(one, "CARRIER");
    const [ann, bob] = [await signToken("ann"), await signToken("bob")];
    // A stranger behind the same address guesses codes.
    for (const status of [404, 404, 429]) expect(await lookUp(one, "GUESS", undefined)).toBe(status);
    expect(await lookUp(one, "CARRIER")).toBe(429);
    for (let count = 0; count < 5; count += 1) expect(await lookUp(one, "CARRIER", ann)).toBe(200);
    expect(await lookUp(one, "CARRIER", ann)).toBe(429);
    for (const status of [404, 404, 429]) expect(await lookUp(one, "GUESS", bob)).toBe(status);
    expect(await lookUp(one, "CARRIER", bob)).toBe(429);
    expect(await lookUp(one, "CARRIER", await signToken("carl"))).toBe(200);
  });

  it("counts a token that is not valid as none", async () => {
    const one = await start({ env: { PREVIEW_LIMIT: "2" } });
    await issueVoucher(one, "CARRIER");
    const forged = await signToken("ann", "member", {}, "another-secret-of-a-stranger-0123456789");
    expect(await lookUp(one, "CARRIER", forged)).toBe(200);
    expect(await lookUp(one, "CARRIER", "no-token")).toBe(200);
    expect(await lookUp(one, "CARRIER", forged)).toBe(429);
  });

  it("shows the reason on the page, which tries again by itself within ten seconds after the minute", async () => {
    const one = await start({ env: { PREVIEW_LIMIT: "1" } });
    await issueVoucher(one, "CARRIER");
    expect((await one.ask("/redeem?code=CARRIER")).status).toBe(200);
    const busy = await one.ask("/redeem?code=CARRIER&lang=en");
    expect(busy.status).toBe(429);
    const seconds = Number(/<meta http-equiv="refresh" content="(\d+)">/.exec(busy.text)?.[1]);
    const retryAfterS = Number(busy.headers.get("retry-after"));
    expect(seconds).toBeGreaterThanOrEqual(retryAfterS);
    expect(seconds).toBeLessThan(retryAfterS + 10);
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThan(70);
    expect(busy.text).toContain(`In ${seconds} seconds, this page tries again by itself.`);
    expect((await one.ask("/redeem?code=CARRIER", { token: await signToken("ann") })).status).toBe(200);
  });
});
