import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, issueVoucher, placeOrder } from "../../../support/builder/billing.ts";
import {
  balance,
  billing,
  counter,
  redemptions,
  repeat,
  scalar,
  useOneBilling,
} from "../../../support/suite/one-billing.ts";
import { eventually } from "../../../support/wait.ts";

useOneBilling({ reconciled: true });

let run = 0;
let code = "";
beforeEach(() => {
  run += 1;
  code = `CODE-${run}`;
});

describe("checkout with an Idempotency-Key", () => {
  const key = () => ({ "Idempotency-Key": `key-${run}` });

  it("returns the same bytes and acts once for a repeated key", async () => {
    await issueVoucher(billing, code);
    const first = await placeOrder(billing, "again", { promo_code: code, tenant_id: `t-${run}` }, key());
    const second = await placeOrder(billing, "again", { promo_code: code, tenant_id: `t-${run}` }, key());
    expect([second.status, second.text]).toEqual([200, first.text]);
    expect(await counter(code)).toBe(1);
  });

  it("acts once for 20 requests at the same time; the others get the same answer or idempotency_in_flight", async () => {
    await issueVoucher(billing, code);
    const answers = await repeat(20, () => placeOrder(billing, "burst", { promo_code: code }, key()));
    const placed = answers.filter(({ status }) => status === 200);
    expect(new Set(placed.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ status }) => status !== 200).map(({ json }) => json.code)).toEqual(
      Array(20 - placed.length).fill("idempotency_in_flight"),
    );
    expect([
      await counter(code),
      await scalar("SELECT count(*)::int FROM orders WHERE promo_code = $1", [code]),
    ]).toEqual([1, 1]);
  });

  it("refuses another body under the same key with 422, and allows another user the same key", async () => {
    await placeOrder(billing, "same", { plan_id: "free" }, key());
    expect((await placeOrder(billing, "same", { plan_id: "free", tenant_id: "x" }, key())).status).toBe(422);
    expect((await placeOrder(billing, "other", { plan_id: "free" }, key())).status).toBe(200);
  });

  it("repeats a refusal for its key, and tries again after a temporary fault", async () => {
    expect((await placeOrder(billing, "early-bird", { promo_code: code }, key())).status).toBe(404);
    const poor = { "Idempotency-Key": `poor-${run}` };
    expect((await placeOrder(billing, "early-bird", {}, poor)).status).toBe(503);
    await issueVoucher(billing, code);
    expect((await placeOrder(billing, "early-bird", { promo_code: code }, key())).status).toBe(404);
    await issueVoucher(billing, `${code}-B`);
    await placeOrder(billing, "early-bird", { plan_id: "free", promo_code: `${code}-B` });
    expect((await placeOrder(billing, "early-bird", {}, poor)).status).toBe(200);
  });

  it("returns the same order after the connection was lost at COMMIT", async () => {
    await issueVoucher(billing, code);
    // The server takes the whole call, and the answer is lost: the backend is ended the moment it has committed.
    const ender = setInterval(() => {
      void billing.database.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'catalyst-billing'`,
      );
    }, 2);
    const outcomes = new Set<number>();
    let placed: Answer | undefined;
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const answer = await placeOrder(billing, "unlucky", { promo_code: code }, key());
      outcomes.add(answer.status);
      if (answer.status === 200) placed ??= answer;
    }
    clearInterval(ender);
    const last = await placeUntilDone("unlucky", { promo_code: code }, key());
    if (placed !== undefined) expect(last.text).toBe(placed.text);
    expect([...outcomes].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect([await counter(code), await redemptions(code), await balance("unlucky")]).toEqual([1, 1, 16_000]);
    expect(await scalar("SELECT count(*)::int FROM orders WHERE promo_code = $1", [code])).toBe(1);
  });
});

const placeUntilDone = (user: string, body: object, headers: Record<string, string>): Promise<Answer> =>
  eventually(async () => {
    const answer = await placeOrder(billing, user, { ...body }, headers);
    expect(answer.status).not.toBe(503);
    return answer;
  });
