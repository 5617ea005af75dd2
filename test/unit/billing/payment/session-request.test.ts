import { describe, expect, it } from "vitest";
import {
  desiredSessionRequest,
  parseEmail,
  repairedSessionRequest,
} from "../../../../src/billing/payment/session-request.ts";

const ORDER = {
  sovereign: "omantel.omani.works",
  orderId: "0b8a9a0e-8d3c-4a51-9f42-1c1f7f6f0a01",
  tenantId: "salma-shop",
  planId: "large",
  amountBaisa: 35_000,
  description: "large on omantel.omani.works",
  stripeCustomerId: null,
  email: " salma@example.om ",
  expiresAt: new Date(1_800_000_000_000),
};
const PLACE = { currency: "OMR", successUrl: "https://a.om/ok", cancelUrl: "https://a.om/no" };

describe("the request for a session", () => {
  it.each([
    ["https://a.om/ok", `https://a.om/ok?order_id=${ORDER.orderId}`],
    ["https://a.om/?paid", `https://a.om/?paid&order_id=${ORDER.orderId}`],
    ["https://a.om/#/done", `https://a.om/?order_id=${ORDER.orderId}#/done`],
    [
      "https://a.om/?s={CHECKOUT_SESSION_ID}",
      `https://a.om/?s={CHECKOUT_SESSION_ID}&order_id=${ORDER.orderId}`,
    ],
  ])("adds the order's id to %s", (successUrl, expected) => {
    const { parameters } = desiredSessionRequest(ORDER, { ...PLACE, successUrl, cancelUrl: successUrl });
    expect([parameters.success_url, parameters.cancel_url]).toEqual([expected, expected]);
  });

  it("names the origin of the charge on the session, its payment intent and its invoice", () => {
    const { parameters } = desiredSessionRequest(ORDER, PLACE);
    const origin = {
      sovereign: "omantel.omani.works",
      order_id: ORDER.orderId,
      tenant_id: "salma-shop",
      plan_id: "large",
    };
    const { metadata, payment_intent_data, invoice_creation } = parameters;
    expect([metadata, payment_intent_data?.metadata, invoice_creation?.invoice_data?.metadata]).toEqual([
      origin,
      origin,
      origin,
    ]);
  });

  it("leaves out each part that Stripe refuses, under a new key", () => {
    const request = desiredSessionRequest({ ...ORDER, stripeCustomerId: "cus_gone" }, PLACE);
    expect([request.key, request.parameters.customer]).toEqual([ORDER.orderId, "cus_gone"]);
    const second = repairedSessionRequest(request, "customer", ORDER.email);
    expect(second).toEqual({
      key: `${ORDER.orderId}:2`,
      parameters: {
        ...request.parameters,
        customer: undefined,
        customer_creation: "always",
        customer_email: "salma@example.om",
      },
    });
    if (second === undefined) throw new Error("not repaired");
    expect(Object.hasOwn(second.parameters, "customer")).toBe(false);
    const third = repairedSessionRequest(second, "email", ORDER.email);
    expect([third?.key, third?.parameters.customer_email]).toEqual([`${ORDER.orderId}:3`, undefined]);
    if (third === undefined) throw new Error("not repaired");
    for (const part of ["customer", "email"] as const)
      expect(repairedSessionRequest(third, part, ORDER.email)).toBeUndefined();
  });
});

describe("an email address", () => {
  it.each(["salma@example.om", " salma@example.om\n", "s.a+b@mail.example.co.uk", "o'neil@x-y.om"])(
    "is sent without its blanks: %j",
    (text) => {
      expect(parseEmail(text)).toBe(text.trim());
    },
  );

  it.each([
    "",
    "  ",
    "salma",
    "salma@",
    "@example.om",
    "salma@localhost",
    "sal ma@example.om",
    "a@b@example.om",
    "salma@example.om, ali@example.om",
    "سلمى@example.om",
    "salma@example..om",
    `${"a".repeat(65)}@example.om`,
    `a@${"b".repeat(250)}.om`,
  ])("sends no address when the text is none: %j", (text) => {
    expect(parseEmail(text)).toBeUndefined();
  });
});
