import { describe, expect, it } from "vitest";
import {
  CATALOG,
  issueVoucher,
  placeOrder,
  signToken,
  startBilling,
  useBillings,
} from "../../../support/builder/billing.ts";
import { startAnsweringServer } from "../../../support/server/answering-server.ts";

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

describe("a catalog service that cannot list its apps", () => {
  it("stops the orders that name an app, and no other", async () => {
    const catalog = await startAnsweringServer();
    try {
      catalog.answers["/catalog/plans"] = { body: CATALOG.plans };
      catalog.answers["/catalog/addons"] = { body: CATALOG.addons };
      catalog.answers["/catalog/apps"] = { status: 500 };
      const one = await start({ env: { CATALOG_FILE: "", CATALOG_URL: catalog.origin } });
      await issueVoucher(one, "KEPT");
      const body = { promo_code: "KEPT", addons: ["backup"] };
      const refused = await placeOrder(one, "salma", { ...body, apps: ["wordpress"] });
      expect([refused.status, refused.json.code]).toEqual([503, "catalog_unavailable"]);
      expect((await placeOrder(one, "salma", body)).json.paid_by_credit).toBe(true);
      // Without such an endpoint, every app is accepted.
      delete catalog.answers["/catalog/apps"];
      const free = { plan_id: "free", apps: ["wordpress"] };
      expect((await placeOrder(one, "salma", free)).json.paid_by_credit).toBe(true);
    } finally {
      await catalog.close();
    }
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
