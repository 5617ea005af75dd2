import Stripe from "stripe";
import { describe, expect, it } from "vitest";
import { billing, stripe, useCardPayments } from "../../../support/builder/card-payment.ts";

useCardPayments();

const signed = (raw: string) => ({
  raw,
  headers: {
    "stripe-signature": Stripe.webhooks.generateTestHeaderString({
      payload: raw,
      secret: stripe.webhookSecret,
    }),
  },
});
const applied = async () =>
  (await billing.database.pool.query("SELECT count(*)::int AS n FROM stripe_webhook_events")).rows[0].n;

describe("a signed body that is no event", () => {
  it.each([
    "null",
    "[]",
    '"evt_1"',
    "{}",
    '{"id":"evt_1","type":"invoice.paid"}',
    '{"id":"evt_1","type":"invoice.paid","data":{"object":null}}',
    '{"id":"evt_1","type":"invoice.paid","data":{"object":"in_1"}}',
    '{"id":5,"type":"invoice.paid","data":{"object":{}}}',
    '{"id":"evt_1","data":{"object":{}}}',
    '{"id":"evt 1\\u0000","type":"invoice.paid","data":{"object":{}}}',
    `{"id":"${"e".repeat(256)}","type":"invoice.paid","data":{"object":{}}}`,
  ])("refuses a signed body that is not an event, and does not store it: %s", async (raw) => {
    const before = await applied();
    const answer = await billing.ask("/billing/webhook", signed(raw));
    expect([answer.status, answer.json.code]).toEqual([400, "request_invalid"]);
    expect(await applied()).toBe(before);
  });

  it.each(["", "{", "id=evt_1"])("refuses a signed body that is not JSON: %j", async (raw) => {
    const answer = await billing.ask("/billing/webhook", signed(raw));
    expect(answer.status).toBe(400);
  });
});
