import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reconcileLedger } from "../../../../src/billing/ledger/reconcile-ledger.ts";
import {
  type Answer,
  ask,
  CATALOG,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { type StripeServer, startStripeServer } from "../../../support/server/stripe-server.ts";

// Few names, so that concurrent steps use the same rows.
const CODES = ["A", "B", "C"];
const USERS = ["ahmed", "badr", "salma", "zahra"];
const FAULTS = ["none", "none", "refuse", "away", "cut-after", "in-use"] as const;

type Step =
  | { kind: "issue"; code: string; credit: number; cap: number; active: boolean }
  | { kind: "revoke"; code: string }
  | { kind: "update"; code: string; cap: number }
  | { kind: "checkout"; user: string; plan: string; code: string | null; tenant: string; key: string | null }
  | { kind: "preview"; code: string }
  | { kind: "balance"; user: string }
  | { kind: "cancel"; user: string; which: number }
  | { kind: "settle"; which: number; event: "paid" | "expired" }
  | { kind: "sweep" }
  | { kind: "fault"; fault: (typeof FAULTS)[number] };

const code = fc.constantFrom(...CODES);
const user = fc.constantFrom(...USERS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("checkout" as const),
      user,
      plan: fc.constantFrom("free", "small", "large", "odd"),
      code: fc.option(code),
      tenant: fc.constantFrom("own", "own", "own", "shared"),
      key: fc.option(fc.constantFrom("k1", "k2", "k3")),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("issue" as const),
      code,
      credit: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 70 })),
      cap: fc.integer({ min: 0, max: 3 }),
      active: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      which: fc.nat(20),
      event: fc.constantFrom("paid" as const, "expired" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("cancel" as const), user, which: fc.nat(3) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("revoke" as const), code }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("update" as const), code, cap: fc.integer({ min: 0, max: 2 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("preview" as const), code }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("balance" as const), user }) },
  { weight: 1, arbitrary: fc.constant({ kind: "sweep" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("fault" as const), fault: fc.constantFrom(...FAULTS) }),
  },
);

let stripe: StripeServer;
/** Two instances on one database, as on a Sovereign. */
let instances: TestBilling[] = [];
const tokens = new Map<string, string>();
let run = 0;

beforeAll(async () => {
  stripe = await startStripeServer();
  // With a voucher of 1, the card pays the minimum for `odd`, and a rest of the voucher's credit stays free.
  const plans = [...CATALOG.plans, { id: "odd", price_baisa: 1_234 }];
  const first = await startBilling({ env: stripe.env, files: { CATALOG_FILE: { ...CATALOG, plans } } });
  instances = [
    first,
    await startBilling({
      env: stripe.env,
      database: first.database,
      files: { CATALOG_FILE: { ...CATALOG, plans } },
    }),
  ];
  tokens.set("admin", await signToken("admin", "sovereign-admin"));
});

afterAll(async () => {
  for (const instance of instances.reverse()) await instance.close();
  await stripe.close();
});

const tokenOf = async (name: string): Promise<string> => {
  const token = tokens.get(name) ?? (await signToken(name));
  tokens.set(name, token);
  return token;
};

async function take(one: Step, index: number): Promise<Answer | undefined> {
  const billing = instances[index % 2] as TestBilling;
  const to = (path: string, question: Parameters<typeof ask>[2]) => ask(billing.origin, path, question);
  const name = (short: string) => `${short}-${run}`;
  switch (one.kind) {
    case "issue":
      return to("/billing/vouchers/issue", {
        token: await tokenOf("admin"),
        body: {
          code: `RUN${run}-${one.code}`,
          credit_omr: one.credit,
          max_redemptions: one.cap,
          active: one.active,
        },
      });
    case "revoke":
      return to(`/billing/vouchers/revoke/RUN${run}-${one.code}`, {
        method: "DELETE",
        token: await tokenOf("admin"),
      });
    case "update":
      return to(`/billing/admin/promos/RUN${run}-${one.code}`, {
        method: "PUT",
        token: await tokenOf("admin"),
        body: { max_redemptions: one.cap },
      });
    case "checkout":
      return to("/billing/checkout", {
        token: await tokenOf(name(one.user)),
        headers: one.key === null ? {} : { "Idempotency-Key": one.key },
        body: {
          plan_id: one.plan,
          tenant_id: name(one.tenant === "own" ? one.user : one.tenant),
          promo_code: one.code === null ? "" : `run${run}-${one.code}`,
        },
      });
    case "preview":
      return to("/billing/vouchers/redeem-preview", { body: { code: `RUN${run}-${one.code}` } });
    case "balance":
      return to("/billing/balance", { token: await tokenOf(name(one.user)) });
    case "cancel": {
      const token = await tokenOf(name(one.user));
      const { json: orders } = await to("/billing/orders", { token });
      if (!Array.isArray(orders) || orders.length === 0) return undefined;
      return to(`/billing/orders/${orders[one.which % orders.length].id}/cancel`, { method: "POST", token });
    }
    case "settle": {
      const ids = [...stripe.sessions.keys()];
      const id = ids[ids.length - 1 - (one.which % Math.max(1, ids.length))];
      if (id === undefined) return undefined;
      // A session ends in one way, and all later events about it agree.
      if (stripe.sessions.get(id)?.status === "open") {
        stripe.setSession(
          id,
          one.event === "paid" ? { status: "complete", payment_status: "paid" } : { status: "expired" },
        );
      }
      const type = stripe.sessions.get(id)?.status === "complete" ? "completed" : "expired";
      return to("/billing/webhook", stripe.event(`checkout.session.${type}`, stripe.describe(id)));
    }
    case "sweep": {
      await billing.database.pool.query(
        "UPDATE orders SET created_at = created_at - interval '10 minutes', session_expires_at = session_expires_at - interval '2 hours', session_look_at = session_look_at - interval '2 hours' WHERE status = 'pending'",
      );
      // The payment processor may be unreachable, and the database never is.
      await billing.service
        .sweep()
        .catch((error: { code?: string }) =>
          expect(error.code).toMatch(/^(payment_|idempotency_in_flight$)/),
        );
      return undefined;
    }
    case "fault":
      stripe.fault = one.fault;
      return undefined;
  }
}

describe("any interleaving of the endpoints", () => {
  it("keeps counter, redemptions, ledger and balances in agreement, and returns no 500", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 14 }), { maxLength: 6 }),
        async (waves) => {
          run += 1;
          stripe.fault = "none";
          for (const wave of waves) {
            const answers = await Promise.all(wave.map(take));
            for (const answer of answers) {
              expect(answer?.status ?? 0, answer?.text).not.toBe(500);
              // The database is up, so a 503 would mean a lost deadlock.
              expect(answer?.text ?? "").not.toContain("database_unavailable");
            }
          }
          const { pool } = (instances[0] as TestBilling).database;
          const client = await pool.connect();
          try {
            expect(await reconcileLedger(client)).toEqual([]);
            // No code was redeemed more often than its largest cap allowed.
            const { rows: passed } = await client.query(
              `SELECT p.code FROM promo_codes p
                 JOIN (SELECT code, bool_or((after ->> 'max_redemptions')::int = 0) AS unlimited, max((after ->> 'max_redemptions')::int) AS cap
                         FROM voucher_audit WHERE after IS NOT NULL GROUP BY code) a USING (code)
                WHERE NOT a.unlimited AND p.times_redeemed > a.cap`,
            );
            expect(passed).toEqual([]);
            const { rows } = await client.query(
              "SELECT user_id, balance_baisa FROM customers WHERE balance_baisa < 0",
            );
            expect(rows).toEqual([]);
          } finally {
            client.release();
          }
        },
      ),
      { numRuns: 25, endOnFailure: true },
    );
  });
});
