import { describe, expect, it } from "vitest";
import { ask, reconcile, signToken } from "../../../support/builder/billing.ts";
import { first, rowsOf, second, useTwoInstances } from "../../../support/suite/two-instances.ts";

useTwoInstances();

const CHECKOUTS = 600;
const PARALLEL = 24;
const CODES = ["RACE-A", "RACE-B", "RACE-C"];

const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(Math.random() * items.length)] as Item;
const secondsFromNow = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();

/** Runs the task again and again in parallel until `isDone`. */
const repeat = (parallel: number, isDone: () => boolean, task: () => Promise<void>) =>
  Promise.all(
    Array.from({ length: parallel }, async () => {
      while (!isDone()) await task();
    }),
  );

describe("checkouts while their vouchers are changed, paused, revoked and issued again", () => {
  it("finds no checkout that differs, in whatever order checkouts and changes commit", async () => {
    const admin = await signToken("admin", "sovereign-admin");
    let placed = 0;
    const statuses: number[] = [];
    const changes = async () => {
      const to = pick([first, second]);
      const code = pick(CODES);
      if (Math.random() < 0.15) {
        await ask(to.origin, `/billing/vouchers/revoke/${code}`, { method: "DELETE", token: admin });
        return;
      }
      const [row] = await rowsOf("SELECT times_redeemed AS n FROM promo_codes WHERE code = $1", [code]);
      const body = {
        code,
        credit_omr: pick([5, 6, 7]),
        // Often just above the counter, and sometimes below it.
        max_redemptions: pick(
          [0, Number(row?.n ?? 0) + pick([-1, 1, 2, 5, 20])].map((cap) => Math.max(cap, 0)),
        ),
        active: Math.random() < 0.9,
        starts_at: pick([null, null, secondsFromNow(pick([-1, 0.05, 0.2]))]),
        expires_at: pick([null, null, secondsFromNow(pick([0.3, 0.6, 60]))]),
      };
      const { status, text } = await ask(to.origin, "/billing/vouchers/issue", { token: admin, body });
      expect([200], text).toContain(status);
    };
    const checkout = async () => {
      placed += 1;
      const user = `racer-${placed}`;
      const { status } = await ask(pick([first, second]).origin, "/billing/checkout", {
        token: await signToken(user),
        body: { plan_id: "free", tenant_id: user, promo_code: pick(CODES) },
      });
      statuses.push(status);
    };
    const isDone = () => placed >= CHECKOUTS;
    await Promise.all([repeat(3, isDone, changes), repeat(PARALLEL, isDone, checkout)]);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(CHECKOUTS / 20);
    expect(statuses.filter((status) => ![200, 404, 410].includes(status))).toEqual([]);
    expect(await reconcile(first)).toEqual([]);
  }, 60_000);
});
