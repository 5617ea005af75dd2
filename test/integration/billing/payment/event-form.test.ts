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

const LONG = "x".repeat(10_000);

describe("a signed body that is no event", () => {
  const event = { id: "evt_1", type: "invoice.paid", created: 1, data: { object: {} } };

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
  ])("refuses a signed body that is no event, and stores nothing: %s", async (raw) => {
    const before = await applied();
    const answer = await billing.ask("/billing/webhook", signed(raw));
    expect([answer.status, answer.json.code]).toEqual([400, "request_invalid"]);
    expect(await applied()).toBe(before);
  });

  it.each(["", "{", "id=evt_1"])("refuses a signed body that is not JSON: %j", async (raw) => {
    const answer = await billing.ask("/billing/webhook", signed(raw));
    expect(answer.status).toBe(400);
  });

  it.each([
    ["null", "null"],
    ["a list", "[]"],
    ["a text", '"x"'],
    ["no JSON", "{"],
    ["nothing", ""],
    ["30,000 levels", "[".repeat(30_000) + "]".repeat(30_000)],
    ["no id", JSON.stringify({ ...event, id: null })],
    ["an id with NUL", JSON.stringify({ ...event, id: "evt_\0" })],
    ["an id of 10 kB", JSON.stringify({ ...event, id: LONG })],
    ["a type of 10 kB", JSON.stringify({ ...event, type: LONG })],
    ["no data", JSON.stringify({ ...event, data: null })],
    ["no object", JSON.stringify({ ...event, data: { object: null } })],
    ["a list for an object", JSON.stringify({ ...event, data: { object: [] } })],
    ["an event of the second version", JSON.stringify({ ...event, object: "v2.core.event" })],
    ["a batch of events", JSON.stringify([event])],
  ])("names the members that an event needs: %s", async (_what, raw) => {
    const answer = await billing.ask("/billing/webhook", signed(raw));
    expect([answer.status, answer.json.code, answer.json.detail]).toEqual([
      400,
      "request_invalid",
      "the body is not an event: send one with id, type and data.object",
    ]);
  });
});
