import { describe, expect, it } from "vitest";
import {
  issueVoucher,
  placeOrder,
  signToken,
  startBilling,
  useBillings,
} from "../../../support/builder/billing.ts";

const start = useBillings();

describe("a Sovereign without a catalog", () => {
  it("names the missing setting when there is no catalog, and consumes nothing", async () => {
    const one = await start({ files: { CATALOG_FILE: undefined } });
    await issueVoucher(one, "KEPT");
    const answer = await placeOrder(one, "salma", { promo_code: "KEPT" });
    expect([answer.status, answer.json.code]).toEqual([503, "catalog_unavailable"]);
    expect(answer.json.error).toContain("CATALOG_URL or CATALOG_FILE");
    const list = await one.ask("/billing/vouchers/list", { token: await signToken("root", "superadmin") });
    expect(list.json[0].times_redeemed).toBe(0);
  });
});

describe("a file of the operator's keys", () => {
  it.each([{}, null, { keys: "none" }])(
    "does not start with a key file that contains %j",
    async (content) => {
      await expect(startBilling({ files: { OPERATOR_JWKS_FILE: content } })).rejects.toThrow(
        "needs an array `keys`",
      );
    },
  );
});
