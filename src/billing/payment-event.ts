import { createHmac, timingSafeEqual } from "node:crypto";
import type { Database } from "./db/database.ts";
import { CheckoutError, RequestError } from "./errors.ts";
import type { PaymentSettingsService } from "./payment-settings.ts";

/** Takes the payment processor's events: verified by signature over the raw body, recorded once each. */
export type PaymentEventReceiver = (rawBody: Buffer, signature: string | undefined) => Promise<void>;

const TOLERANCE_S = 300;

export function createPaymentEventReceiver(deps: {
  database: Database;
  settings: PaymentSettingsService;
  now: () => Date;
}): PaymentEventReceiver {
  const { database, settings, now } = deps;
  return async (rawBody, signature) => {
    const secret = await settings.webhookSecret();
    if (secret === undefined) {
      throw new CheckoutError(
        "payment_unavailable",
        "no webhook secret is configured: set stripe_webhook_secret in the settings",
      );
    }
    if (!isSigned(rawBody, signature ?? "", secret, Math.floor(now().getTime() / 1000))) {
      throw new RequestError(
        "signature_invalid",
        "Stripe-Signature does not hold for this body: check the webhook secret",
      );
    }
    const event = parseEvent(rawBody);
    // No order of ours waits for a payment, so every event is of no effect here; it is recorded all the same, once.
    await database.query({
      name: "payment-event",
      text: `INSERT INTO stripe_webhook_events (event_id, event_type, status) VALUES ($1, $2, 'ignored') ON CONFLICT (event_id) DO NOTHING`,
      values: [event.id, event.type],
    });
  };
}

/** Stripe's scheme v1: HMAC-SHA256 of `<t>.<body>`, any of several `v1` values, `t` within five minutes. */
function isSigned(rawBody: Buffer, header: string, secret: string, nowS: number): boolean {
  const parts = header.split(",").map((part) => part.trim().split("=", 2));
  const timestamp = parts.find(([name]) => name === "t")?.[1] ?? "";
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(nowS - Number(timestamp)) > TOLERANCE_S) return false;
  const expected = createHmac("sha256", secret).update(`${timestamp}.`).update(rawBody).digest();
  return parts
    .filter(([name, value]) => name === "v1" && /^[0-9a-f]{64}$/.test(value ?? ""))
    .some(([, value]) => timingSafeEqual(Buffer.from(value ?? "", "hex"), expected));
}

function parseEvent(rawBody: Buffer): { id: string; type: string } {
  try {
    const { id, type } = JSON.parse(rawBody.toString("utf8")) as { id?: unknown; type?: unknown };
    const isName = (value: unknown): value is string =>
      typeof value === "string" && /^[\w.:-]{1,255}$/.test(value);
    if (isName(id) && isName(type)) return { id, type };
  } catch {
    // Signed, and yet no event: said below.
  }
  throw new RequestError("request_invalid", "the body is no event: it needs id and type");
}
