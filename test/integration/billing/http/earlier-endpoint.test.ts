import { describe, expect, it } from "vitest";
import { issueVoucher, useBillings } from "../../../support/builder/billing.ts";
import { admin, billing, useOneBilling } from "../../../support/suite/one-billing.ts";

const start = useBillings();

useOneBilling();

describe("the earlier service's endpoints", () => {
  it("lists vouchers, accepts a whole row with active changed, and deletes", async () => {
    const one = await start({});
    const created = await one.ask("/billing/admin/promos", {
      token: admin,
      body: { code: "old-ui", credit_omr: 10, description: "d", active: true, max_redemptions: 5 },
    });
    expect(created.json.code).toBe("OLD-UI");
    const [row] = (await one.ask("/billing/admin/promos", { token: admin })).json;
    expect(
      (
        await one.ask("/billing/admin/promos", {
          token: admin,
          body: { ...row, active: false, times_redeemed: 77 },
        })
      ).json,
    ).toEqual({ ...row, active: false });
    const put = await one.ask("/billing/admin/promos/old-ui", {
      method: "PUT",
      token: admin,
      body: { ...row, credit_omr: 11 },
    });
    expect(put.json).toEqual({ ...row, credit_omr: 11 });
    const partly = await one.ask("/billing/admin/promos/OLD-UI", {
      method: "PUT",
      token: admin,
      body: { description: "only this" },
    });
    expect(partly.json).toEqual({ ...row, credit_omr: 11, description: "only this" });
    expect((await one.ask("/billing/admin/promos/OLD-UI", { method: "DELETE", token: admin })).text).toBe(
      '{"ok":true}',
    );
    expect(
      (await one.ask("/billing/admin/promos/OLD-UI", { method: "PUT", token: admin, body: row })).status,
    ).toBe(404);
    expect((await one.ask("/billing/admin/promos", { token: admin })).text).toBe("[]");
  });

  it("refuses a code in the body that differs from the path", async () => {
    await issueVoucher(billing, "PATH");
    const answer = await billing.ask("/billing/admin/promos/PATH", {
      method: "PUT",
      token: admin,
      body: { code: "BODY" },
    });
    expect(answer.status).toBe(400);
  });
});
