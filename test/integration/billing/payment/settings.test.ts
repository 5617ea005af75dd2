import { afterEach, describe, expect, it } from "vitest";
import { createDatabase } from "../../../../src/billing/db/database.ts";
import { createSecretBox } from "../../../../src/billing/payment/secret-box.ts";
import { createPaymentSettingsService } from "../../../../src/billing/payment/settings.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { JWT_SECRET, signToken, startBilling, type TestBilling } from "../../../support/builder/billing.ts";

const started: TestBilling[] = [];
afterEach(async () => {
  for (const one of started.splice(0).reverse()) await one.close();
});

async function start(options: Parameters<typeof startBilling>[0] = {}): Promise<TestBilling> {
  const one = await startBilling(options);
  started.push(one);
  return one;
}

const KEYS = {
  stripe_secret_key: "sk_live_aaaabbbbcccc1234",
  stripe_webhook_secret: "whsec_aaaabbbb5678",
  stripe_public_key: "pk_live_9",
};

async function ask(one: TestBilling, body?: Record<string, string>) {
  return one.ask("/billing/admin/settings", {
    token: await signToken("root", "superadmin"),
    ...(body === undefined ? {} : { method: "PUT", body }),
  });
}

const stored = async (one: TestBilling) =>
  (await one.database.pool.query("SELECT stripe_secret_key, stripe_webhook_secret FROM settings")).rows[0];

describe("payment settings", () => {
  it("encrypts payment settings in the database, and never returns them", async () => {
    const one = await start();
    await ask(one, KEYS);
    const row = await stored(one);
    expect(JSON.stringify(row)).not.toMatch(/aaaabbbb/);
    expect(createSecretBox(JWT_SECRET).open(row.stripe_secret_key)).toBe(KEYS.stripe_secret_key);
    const shown = await ask(one);
    expect(shown.text).not.toMatch(/aaaabbbb|sealed/);
    expect(shown.json).toMatchObject({
      stripe_secret_key_configured: true,
      stripe_secret_key_last4: "1234",
      stripe_webhook_secret_last4: "5678",
      stripe_public_key: "pk_live_9",
    });
    // A change of another member keeps the secrets.
    await ask(one, { stripe_public_key: "pk_live_10", stripe_secret_key: "" });
    expect(await stored(one)).toEqual(row);
  });

  it("uses plain settings of the earlier service, and encrypts them at the first read", async () => {
    const one = await start();
    await one.database.pool.query(
      "INSERT INTO settings (id, stripe_secret_key, stripe_webhook_secret) VALUES (1, $1, $2)",
      [KEYS.stripe_secret_key, KEYS.stripe_webhook_secret],
    );
    const unsigned = await one.ask("/billing/webhook", { raw: "{}", headers: { "stripe-signature": "" } });
    expect(unsigned.json.code).toBe("signature_invalid");
    expect(JSON.stringify(await stored(one))).not.toMatch(/aaaabbbb/);
    expect((await ask(one)).json.stripe_secret_key_last4).toBe("1234");
  });

  it("treats settings encrypted with another key as not set", async () => {
    const one = await start();
    await ask(one, KEYS);
    const other = await start({
      database: one.database,
      env: { SETTINGS_KEY: "another-key-that-is-long-enough-0123456789" },
    });
    expect((await ask(other)).json.stripe_secret_key_configured).toBe(false);
    expect((await other.ask("/billing/webhook", { raw: "{}" })).json.code).toBe("payment_unavailable");
  });

  it("treats encrypted settings as not set when there is no key", async () => {
    const one = await start();
    await ask(one, KEYS);
    const settings = createPaymentSettingsService({
      database: createDatabase(one.database.pool),
      fixed: undefined,
      box: undefined,
      now: () => new Date(),
      logger: createLogger("test", "silent"),
    });
    expect(await settings.keys()).toEqual({ secretKey: "", webhookSecret: "", publicKey: "pk_live_9" });
    expect(await settings.read()).toMatchObject({ stripe_secret_key_configured: false });
  });

  it("encrypts the plain one of two settings, and keeps the encrypted one", async () => {
    const one = await start();
    await ask(one, KEYS);
    const before = await stored(one);
    await one.database.pool.query("UPDATE settings SET stripe_webhook_secret = $1", [
      KEYS.stripe_webhook_secret,
    ]);
    const other = await start({ database: one.database });
    expect((await other.ask("/billing/webhook", { raw: "{}" })).json.code).toBe("signature_invalid");
    const after = await stored(one);
    expect(after.stripe_secret_key).toBe(before.stripe_secret_key);
    expect(createSecretBox(JWT_SECRET).open(after.stripe_webhook_secret)).toBe(KEYS.stripe_webhook_secret);
    expect(after.stripe_webhook_secret).toMatch(/^sealed:v1:/);
  });

  it("refuses a change of payment settings that the deployment sets", async () => {
    const one = await start({
      env: { STRIPE_SECRET_KEY: "sk_live_fixed_9999", STRIPE_WEBHOOK_SECRET: "whsec_fixed_8888" },
    });
    const refused = await ask(one, KEYS);
    expect([refused.status, refused.json.code]).toEqual([409, "settings_fixed"]);
    expect((await ask(one)).json).toMatchObject({
      stripe_secret_key_last4: "9999",
      stripe_webhook_secret_last4: "8888",
      updated_at: null,
    });
  });

  it("refuses payment settings when there is no key to encrypt them", async () => {
    const one = await start();
    const settings = createPaymentSettingsService({
      database: createDatabase(one.database.pool),
      fixed: undefined,
      box: undefined,
      now: () => new Date(),
      logger: createLogger("test", "silent"),
    });
    await expect(settings.change(KEYS)).rejects.toMatchObject({ code: "settings_key_missing" });
    expect((await settings.change({ stripe_public_key: "pk_live_9" })).stripe_public_key).toBe("pk_live_9");
  });
});
