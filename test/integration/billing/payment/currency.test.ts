import { describe, expect, it } from "vitest";
import { signToken } from "../../../support/builder/billing.ts";
import {
  billing,
  buy,
  code,
  openSession,
  pay,
  tell,
  useCardPayments,
} from "../../../support/builder/card-payment.ts";

useCardPayments({ env: { CURRENCY: "USD" } });

describe("a Sovereign that sells in another currency", () => {
  const page = async (path: string, language: string) =>
    (await billing.ask(path, { headers: { "accept-language": language } })).text;

  it("shows it on the pages in both languages, and never OMR", async () => {
    expect(await page(`/redeem?code=${code}`, "en")).toContain("25 USD");
    expect(await page(`/redeem?code=${code}`, "ar")).toContain("٢٥ دولار أمريكي");
    for (const language of ["en", "ar"])
      for (const path of [`/redeem?code=${code}`, "/admin"])
        expect(await page(path, language), `${path} in ${language}`).not.toMatch(/\bOMR\b|ريال/);
  });

  it("names it in an error", async () => {
    const { json } = await buy({ plan_id: "tiny", promo_code: "" });
    expect([json.code, json.detail]).toEqual([
      "card_amount_too_small",
      "the order costs less than the smallest card payment, and credit of 0.2 USD is missing: redeem a voucher, or order more",
    ]);
  });

  it("charges the card in it, in its own minor unit, and says so in the revenue", async () => {
    const session = await openSession();
    expect(session["line_items[0][price_data][currency]"]).toBe("usd");
    expect(session["line_items[0][price_data][unit_amount]"]).toBe("3500");
    await pay(session.id);
    await tell("checkout.session.completed", session.id);
    const token = await signToken("root", "superadmin");
    const path = `/billing/admin/revenue?month=${new Date().toISOString().slice(0, 7)}`;
    expect((await billing.ask(path, { token })).json).toMatchObject({
      currency: "USD",
      charged_by_card_baisa: 35_000,
      drawn_from_credit_baisa: 25_000,
    });
  });
});
