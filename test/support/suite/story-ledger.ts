import { randomUUID } from "node:crypto";
import pg from "pg";
import { expect, it } from "vitest";
import type { SecretObject } from "../../../src/api/object.ts";
import type { Organization } from "../../../src/api/organization.ts";
import { reconcileLedger } from "../../../src/billing/ledger/reconcile-ledger.ts";
import { newCustomer, signIn } from "../../../src/playground/story/person.ts";
import { killOperator, operatorsOf } from "../process/playground.ts";
import { eventually } from "../wait.ts";
import type { StoryBench } from "./story-bench.ts";

const CRASHES = 3;
const CUSTOMERS = 12;
/** Customers of the second round that are served before its crash. In the third round, it is twice as many. */
const SERVED_BEFORE_CRASH = 3;

/** Places one order at the operator's address. Resolves with the answer's status, or with 0 when no answer came. */
type Checkout = (address: string) => Promise<number>;

/**
 * Locks the voucher's row while `act` runs, so that checkouts with this voucher wait for it. When it ends, the database goes on
 * with those that reached it, also when their client is dead by then.
 */
async function withHeldVoucher<T>(
  databaseUrl: string,
  code: string,
  act: (countWaiting: () => Promise<number>) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("BEGIN");
    const { rowCount } = await client.query("SELECT FROM promo_codes WHERE code = $1 FOR UPDATE", [code]);
    expect(rowCount).toBe(1);
    return await act(async () => {
      const { rows } = await client.query(
        `SELECT count(*)::int AS waiting FROM pg_locks
          WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`,
      );
      return rows[0].waiting;
    });
  } finally {
    await client.end();
  }
}

/** Checkouts at the voucher API that the operator serves for Catalyst-Zero, while the operator is killed. */
export function testLedgerAfterCrashes(bench: StoryBench): void {
  it("keeps ledger, redemptions and counter equal when the operator is killed during checkouts that it serves", async () => {
    const zero = bench.sovereigns.find(({ name }) => name === "catalyst-zero");
    if (zero === undefined) throw new Error("the story has a Catalyst-Zero");
    const secret = { kind: "Secret", name: "billing-jwt", namespace: "sovereign-catalyst-zero" } as const;
    const { data } = await bench.cluster.mustGet<SecretObject>(secret);
    const jwtSecret = Buffer.from(data?.secret ?? "", "base64").toString();
    const code = `CRASH-${Date.now().toString(36).toUpperCase()}`;
    const post = (address: string, path: string, token: string, body: object, key: string) =>
      fetch(`http://${address}:8085${path}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          "idempotency-key": key,
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      }).then(
        ({ status }) => status,
        () => 0,
      );
    const issue = { code, credit_omr: 50 };
    const issuedAt = await bench.operatorAddress();
    expect(await post(issuedAt, "/billing/vouchers/issue", zero.adminToken, issue, randomUUID())).toBe(200);

    const succeed = async (checkout: Checkout) =>
      eventually(async () => expect(await checkout(await bench.operatorAddress())).toBe(200), 45_000);
    const checkouts: Checkout[] = [];
    for (let crash = 0; crash < CRASHES; crash += 1) {
      const round = await Promise.all(
        Array.from({ length: CUSTOMERS }, async () => {
          const customer = newCustomer("crash");
          const [token, key] = [await signIn(customer, jwtSecret), randomUUID()];
          const body = { plan_id: "starter", apps: [], addons: [], tenant_id: customer.id, promo_code: code };
          return (address: string) => post(address, "/billing/checkout", token, body, key);
        }),
      );
      checkouts.push(...round);
      const served = round.slice(0, crash * SERVED_BEFORE_CRASH);
      for (const checkout of served) await succeed(checkout);
      const address = await bench.operatorAddress();
      const killed = await withHeldVoucher(zero.databaseUrl, code, async (countWaiting) => {
        const underWay = round.slice(served.length).map((checkout) => checkout(address));
        await eventually(async () => expect(await countWaiting()).toBeGreaterThan(0));
        const pid = killOperator(bench.playground);
        expect(await Promise.all(underWay)).toContain(0);
        return pid;
      });
      await eventually(() =>
        expect(operatorsOf(bench.playground).filter((pid) => pid !== killed).length).toBe(1),
      );
      for (const checkout of round) await succeed(checkout);
    }

    const client = new pg.Client({ connectionString: zero.databaseUrl });
    await client.connect();
    try {
      const rows = async (text: string) => (await client.query(text, [code])).rows;
      const orders = await rows("SELECT id::text FROM orders WHERE promo_code = $1");
      const [counted] = await rows(
        `SELECT times_redeemed AS counter,
                (SELECT count(*)::int FROM promo_redemptions WHERE code = $1) AS redemptions,
                (SELECT count(*)::int FROM credit_ledger l JOIN orders o ON o.id::text = l.order_id
                  WHERE o.promo_code = $1 AND l.kind = 'grant') AS grants
           FROM promo_codes WHERE code = $1`,
      );
      const expected = checkouts.length;
      expect({ ...counted, orders: orders.length }).toEqual({
        ...{ counter: expected, redemptions: expected, grants: expected, orders: expected },
      });
      expect(await reconcileLedger(client)).toEqual([]);
      const made = async () => {
        const organizations = (await bench.cluster.list("Organization")) as unknown as Organization[];
        const ids = new Set(orders.map(({ id }) => id));
        return organizations
          .map(({ spec }) => spec.order)
          .filter((order) => ids.has(order))
          .sort();
      };
      await eventually(async () => expect(await made()).toEqual(orders.map(({ id }) => id).sort()));
    } finally {
      await client.end();
    }
  }, 180_000);
}
