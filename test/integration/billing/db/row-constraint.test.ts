import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { billing, issueVoucher, placeOrder, useBilling } from "../../../support/builder/billing.ts";

type Row = Record<string, unknown>;

let customerId: unknown;
let orderId: unknown;

useBilling();

beforeAll(async () => {
  await issueVoucher(billing, "SOUND");
  await placeOrder(billing, "salma", { promo_code: "SOUND" });
  const { rows } = await billing.database.pool.query("SELECT id, customer_id FROM orders");
  customerId = rows[0].customer_id;
  orderId = rows[0].id;
});

type Table =
  | "customers"
  | "promo_codes"
  | "promo_redemptions"
  | "credit_ledger"
  | "orders"
  | "subscriptions"
  | "tenants"
  | "idempotency_records";

/** A valid row of each table. A reference names an existing row, or a row that is inserted for it. */
const SOUND: Record<Table, () => Promise<Row>> = {
  customers: async () => ({ user_id: randomUUID(), tenant_id: "shop", email: "a@example.om" }),
  promo_codes: async () => ({
    code: `C-${randomUUID().toUpperCase()}`,
    credit_omr: 1,
    max_redemptions: 1,
    times_redeemed: 1,
  }),
  promo_redemptions: async () => {
    const code = (await insert("promo_codes", await SOUND.promo_codes())).code;
    return { customer_id: customerId, code, amount_baisa: 1_000, order_id: orderId };
  },
  credit_ledger: async () => ({
    customer_id: customerId,
    amount_omr: 1,
    amount_baisa: 1_500,
    kind: "grant",
    promo_code: "SOUND",
    order_id: orderId,
  }),
  orders: async () => ({
    customer_id: customerId,
    tenant_id: "shop",
    plan_id: "small",
    amount_omr: 1,
    amount_baisa: 1_500,
    credit_spent_baisa: 500,
    card_baisa: 1_000,
  }),
  subscriptions: async () => ({ customer_id: customerId, order_id: orderId, price_baisa: 0 }),
  tenants: async () => ({ tenant_id: randomUUID(), customer_id: customerId }),
  idempotency_records: async () => ({ user_id: "salma", key: randomUUID(), request_hash: "h", answer: "{}" }),
};

async function insert(table: Table, row: Row): Promise<Row> {
  const names = Object.keys(row);
  const { rows } = await billing.database.pool.query(
    `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map((_, index) => `$${index + 1}`).join(", ")}) RETURNING *`,
    Object.values(row),
  );
  return rows[0];
}

const NOBODY = randomUUID();
const SAFE = "9007199254740991";
const TOO_MUCH = "9007199254740992";
const SPEND = { kind: "spend", amount_omr: -1, amount_baisa: -1_500, promo_code: null };
const UNDO = { kind: "undo", amount_omr: -1, amount_baisa: -1_500 };
const RELEASE = { kind: "release", promo_code: null };

describe("a row", () => {
  it.each<[Table, Row]>([
    ["customers", { balance_baisa: SAFE }],
    ["customers", { balance_baisa: -1, balance_floor_baisa: -1 }],
    ["promo_codes", { code: "A-1", max_redemptions: 0, times_redeemed: 0 }],
    ["promo_codes", { starts_at: "2026-01-01", expires_at: "2026-01-02" }],
    ["promo_redemptions", {}],
    ["credit_ledger", {}],
    ["credit_ledger", SPEND],
    ["credit_ledger", UNDO],
    ["credit_ledger", RELEASE],
    ["credit_ledger", { ...RELEASE, kind: "surplus" }],
    ["orders", { credit_spent_baisa: 1_500 }],
    ["orders", { amount_omr: 0, amount_baisa: 0, credit_spent_baisa: 0, card_baisa: null }],
    ["subscriptions", {}],
    ["tenants", {}],
    ["idempotency_records", {}],
  ])("accepts a valid row in %s: %j", async (table, change) => {
    expect(await insert(table, { ...(await SOUND[table]()), ...change })).toBeDefined();
  });

  it.each<[Table, Row, string]>([
    ["customers", { user_id: null }, "customers_identity_check"],
    ["customers", { tenant_id: null }, "customers_identity_check"],
    ["customers", { email: null }, "customers_identity_check"],
    ["customers", { balance_baisa: -1 }, "customers_balance_check"],
    ["customers", { balance_baisa: -2, balance_floor_baisa: -1 }, "customers_balance_check"],
    ["customers", { balance_baisa: TOO_MUCH }, "customers_balance_check"],
    ["customers", { balance_baisa: 1, balance_floor_baisa: 1 }, "customers_balance_floor_check"],
    ["promo_codes", { code: "lower-case" }, "promo_codes_shape_check"],
    ["promo_codes", { code: "AB" }, "promo_codes_shape_check"],
    ["promo_codes", { credit_omr: 0 }, "promo_codes_shape_check"],
    ["promo_codes", { max_redemptions: -1 }, "promo_codes_shape_check"],
    ["promo_codes", { times_redeemed: -1 }, "promo_codes_shape_check"],
    ["promo_codes", { starts_at: "2026-01-02", expires_at: "2026-01-02" }, "promo_codes_dates_check"],
    ["promo_redemptions", { amount_baisa: null }, "promo_redemptions_grant_check"],
    ["promo_redemptions", { amount_baisa: 0 }, "promo_redemptions_grant_check"],
    ["promo_redemptions", { order_id: null }, "promo_redemptions_grant_check"],
    ["promo_redemptions", { order_id: NOBODY }, "promo_redemptions_order_id_fkey"],
    ["promo_redemptions", { customer_id: NOBODY }, "promo_redemptions_customer_id_fkey"],
    ["promo_redemptions", { code: "NOBODY" }, "promo_redemptions_code_fkey"],
    ["promo_redemptions", { code: "SOUND" }, "promo_redemptions_pkey"],
    ["credit_ledger", { customer_id: null }, "credit_ledger_entry_check"],
    ["credit_ledger", { customer_id: NOBODY }, "credit_ledger_customer_id_fkey"],
    ["credit_ledger", { amount_baisa: null }, "credit_ledger_entry_check"],
    ["credit_ledger", { amount_baisa: 0, amount_omr: 0 }, "credit_ledger_entry_check"],
    ["credit_ledger", { amount_omr: 2 }, "credit_ledger_entry_check"],
    ["credit_ledger", { order_id: null }, "credit_ledger_entry_check"],
    ["credit_ledger", { kind: "gift" }, "credit_ledger_entry_check"],
    ["credit_ledger", { promo_code: null }, "credit_ledger_entry_check"],
    ["credit_ledger", { amount_omr: -1, amount_baisa: -1_500 }, "credit_ledger_entry_check"],
    ["credit_ledger", { ...UNDO, promo_code: null }, "credit_ledger_entry_check"],
    ["credit_ledger", { ...UNDO, amount_omr: 1, amount_baisa: 1_500 }, "credit_ledger_entry_check"],
    ["credit_ledger", { ...SPEND, amount_omr: 1, amount_baisa: 1_500 }, "credit_ledger_entry_check"],
    ["credit_ledger", { ...RELEASE, amount_omr: -1, amount_baisa: -1_500 }, "credit_ledger_entry_check"],
    ["orders", { customer_id: null }, "orders_amount_check"],
    ["orders", { customer_id: NOBODY }, "orders_customer_id_fkey"],
    ["orders", { amount_omr: 2 }, "orders_amount_check"],
    ["orders", { amount_omr: -1, amount_baisa: -1_500 }, "orders_amount_check"],
    ["orders", { credit_spent_baisa: null }, "orders_amount_check"],
    ["orders", { credit_spent_baisa: -1 }, "orders_amount_check"],
    ["orders", { credit_spent_baisa: 1_501 }, "orders_amount_check"],
    ["orders", { card_baisa: 0 }, "orders_card_check"],
    ["subscriptions", { customer_id: NOBODY }, "subscriptions_customer_id_fkey"],
    ["subscriptions", { order_id: NOBODY }, "subscriptions_order_id_fkey"],
    ["subscriptions", { price_baisa: -1 }, "subscriptions_price_check"],
    ["tenants", { customer_id: NOBODY }, "tenants_customer_id_fkey"],
  ])("refuses a row in %s with %j", async (table, change, constraint) => {
    await expect(insert(table, { ...(await SOUND[table]()), ...change })).rejects.toMatchObject({
      constraint,
    });
  });

  it.each<[Table, string, string]>([
    ["customers", "user_id", "customers_user_id_key"],
    ["customers", "stripe_customer_id", "customers_stripe_customer_id_key"],
    ["subscriptions", "stripe_subscription_id", "subscriptions_stripe_subscription_id_key"],
    ["tenants", "tenant_id", "tenants_pkey"],
    ["idempotency_records", "key", "idempotency_records_pkey"],
  ])("refuses a row in %s when another row has its %s", async (table, column, constraint) => {
    const taken = { [column]: randomUUID() };
    await insert(table, { ...(await SOUND[table]()), ...taken });
    await expect(insert(table, { ...(await SOUND[table]()), ...taken })).rejects.toMatchObject({
      constraint,
    });
  });
});

describe("an entry of the ledger", () => {
  it.each([
    "UPDATE credit_ledger SET id = gen_random_uuid()",
    "UPDATE credit_ledger SET customer_id = customer_id",
    "UPDATE credit_ledger SET amount_omr = amount_omr",
    "UPDATE credit_ledger SET amount_baisa = amount_baisa",
    "UPDATE credit_ledger SET kind = kind",
    "UPDATE credit_ledger SET reason = 'another'",
    "UPDATE credit_ledger SET order_id = order_id",
    "UPDATE credit_ledger SET promo_code = promo_code",
    "UPDATE credit_ledger SET created_at = now()",
    "UPDATE credit_ledger SET adopted = true",
    "DELETE FROM credit_ledger",
    "TRUNCATE credit_ledger",
  ])("cannot be changed: %s", async (statement) => {
    await expect(billing.database.pool.query(statement)).rejects.toMatchObject({ code: "CB003" });
  });
});
