import { randomBytes, randomUUID } from "node:crypto";
import { Client } from "pg";
import type { StoryContext, StorySovereign } from "./context.ts";
import { expectEqual, expectThat } from "./expectation.ts";
import { newCustomer, type Person, signIn } from "./person.ts";
import { ask } from "./voucher-api.ts";

const CREDIT_OMR = 25;
const PREVIEW_MEMBERS = ["accepting_redemptions", "active", "code", "credit_omr", "description"];
const SOVEREIGN_ADMIN: Person = {
  id: "omantel-admin",
  email: "admin@omantel.example",
  role: "sovereign-admin",
};

/** A code that no earlier run in the same database has used. */
const freshCode = (prefix: string) => `${prefix}-${randomBytes(3).toString("hex").toUpperCase()}`;

interface Order {
  order_id: string;
  paid_by_credit: boolean;
  credit_balance: number;
}

/** Issue → preview → redeem page → checkout → Organization, and the refusals, on one franchised Sovereign. */
export async function tellVoucherChapter(context: StoryContext, sovereign: StorySovereign): Promise<void> {
  const { narrator } = context;
  const adminToken = await signIn(SOVEREIGN_ADMIN, sovereign.jwtSecret);
  const salma = newCustomer("salma");
  const salmaToken = await signIn(salma, sovereign.jwtSecret);
  const code = freshCode("RAMADAN");
  const plan = sovereign.plans[0];
  expectThat(plan !== undefined, `${sovereign.name} offers no tier: give its spec.tiers one`);

  const issue = (body: object) => ask(sovereign.url, "/billing/vouchers/issue", { token: adminToken, body });
  const preview = (spelling: string) =>
    ask(sovereign.url, "/billing/vouchers/redeem-preview", { body: { code: spelling } });
  const checkout = (token: string, promoCode: string, tenant: string) =>
    ask(sovereign.url, "/billing/checkout", {
      token,
      idempotencyKey: randomUUID(),
      body: { plan_id: plan.id, apps: [], addons: [], tenant_id: tenant, promo_code: promoCode },
    });

  await narrator.step(`A sovereign-admin of ${sovereign.name} issues a voucher`, async (observe) => {
    const answer = await issue({
      code,
      credit_omr: CREDIT_OMR,
      description: "Ramadan offer",
      max_redemptions: 3,
    });
    expectThat(answer.status === 200 || answer.status === 201, "issue answers 200 or 201", answer.text);
    observe(`POST /billing/vouchers/issue → ${answer.status}  ${code}, ${CREDIT_OMR} OMR, 3 redemptions`);
  });

  await narrator.step("A stranger previews it, without a token and in lower case", async (observe) => {
    const answer = await preview(`  ${code.toLowerCase()} `);
    expectEqual("status", answer.status, 200);
    expectEqual("members of the answer", Object.keys(answer.json as object).sort(), PREVIEW_MEMBERS);
    observe(`POST /billing/vouchers/redeem-preview → 200  ${answer.text}`);
  });

  await narrator.step("The redeem page shows the offer in the Sovereign's branding", async (observe) => {
    const path = `/redeem?code=${encodeURIComponent(code)}`;
    const answer = await ask(sovereign.url, path);
    expectEqual("status", answer.status, 200);
    expectThat(answer.text.includes(String(CREDIT_OMR)), "the page names the credit", answer.text);
    expectThat(
      answer.text.includes(sovereign.displayName),
      `the page names ${sovereign.displayName}`,
      answer.text,
    );
    const heading = /<h1[^>]*>(.*?)<\/h1>/s
      .exec(answer.text)?.[1]
      ?.replace(/<[^>]*>/g, "")
      .trim();
    observe(`GET ${path} → 200  "${heading ?? ""}"`);
  });

  const tenant = freshCode("salma-shop").toLowerCase();
  const order = await narrator.step(
    "A customer checks out: one transaction redeems the voucher",
    async (observe) => {
      const answer = await checkout(salmaToken, code.toLowerCase(), tenant);
      expectThat(answer.status === 200 || answer.status === 201, "checkout answers 200 or 201", answer.text);
      const placed = answer.json as Order;
      expectEqual("paid_by_credit", placed.paid_by_credit, true);
      observe(
        `POST /billing/checkout → ${answer.status}  plan ${plan.id} (${plan.priceBaisa / 1000} OMR), credit left ${placed.credit_balance} OMR`,
      );
      return placed;
    },
  );

  await narrator.step("Ledger, edge and counter agree in PostgreSQL", async (observe) => {
    const books = await readBooks(sovereign.databaseUrl, code, salma.id);
    expectEqual("books", books, {
      times_redeemed: 1,
      edges: 1,
      ledger_baisa: CREDIT_OMR * 1000 - plan.priceBaisa,
    });
    observe(
      `times_redeemed 1 = edges 1; ledger ${CREDIT_OMR * 1000} − ${plan.priceBaisa} = ${books.ledger_baisa} baisa`,
    );
    observe(await context.reconcileLedger(sovereign));
  });

  await narrator.step("The redemption becomes an Organization", async (observe) => {
    const organization = await context.cluster.waitForOrganization(order.order_id);
    observe(`organization/${organization} (order ${order.order_id})`);
  });

  await narrator.step("The same customer cannot redeem it twice", async (observe) => {
    const answer = await checkout(salmaToken, code, tenant);
    expectEqual("status", answer.status, 409);
    observe(`POST /billing/checkout → 409  ${errorOf(answer.json)}`);
  });

  await narrator.step("A capped code has ended: for a stranger and at checkout", async (observe) => {
    const capped = freshCode("FIRST");
    await issue({
      code: capped,
      credit_omr: CREDIT_OMR,
      description: "First customer only",
      max_redemptions: 1,
    });
    const first = await checkout(
      await signIn(newCustomer("badr"), sovereign.jwtSecret),
      capped,
      freshCode("badr").toLowerCase(),
    );
    expectThat(first.status < 300, "the first checkout holds", first.text);
    const second = await checkout(
      await signIn(newCustomer("huda"), sovereign.jwtSecret),
      capped,
      freshCode("huda").toLowerCase(),
    );
    expectEqual("second checkout", second.status, 410);
    const ended = await preview(capped);
    expectEqual("preview", ended.status, 410);
    expectEqual("members of the answer", Object.keys(ended.json as object).sort(), PREVIEW_MEMBERS);
    observe(`POST /billing/checkout → 410  ${errorOf(second.json)}`);
    observe(`POST /billing/vouchers/redeem-preview → 410  ${ended.text}`);
  });

  await narrator.step("A revoked code looks exactly like one that never was", async (observe) => {
    const revoked = freshCode("GONE");
    await issue({ code: revoked, credit_omr: CREDIT_OMR, description: "Soon gone", max_redemptions: 5 });
    const answer = await ask(sovereign.url, `/billing/vouchers/revoke/${revoked}`, {
      method: "DELETE",
      token: adminToken,
    });
    expectEqual("revoke", [answer.status, answer.json], [200, { ok: true }]);
    const [gone, never] = [await preview(revoked), await preview(freshCode("NEVER"))];
    expectEqual("preview of the revoked code", gone.status, 404);
    expectEqual("the two answers, byte for byte", gone.text, never.text);
    observe(
      `DELETE /billing/vouchers/revoke/${revoked} → 200 ${answer.text}; preview → 404, byte for byte as for an unknown code`,
    );
  });

  await narrator.step("A token for another Sovereign is worthless here", async (observe) => {
    const other = context.sovereigns.find(({ name }) => name !== sovereign.name);
    expectThat(other !== undefined, "the story needs a second Sovereign");
    const foreign = await signIn(SOVEREIGN_ADMIN, other.jwtSecret);
    const answer = await ask(sovereign.url, "/billing/vouchers/list", { token: foreign });
    expectEqual("status", answer.status, 401);
    observe(`GET /billing/vouchers/list with ${other.name}'s token → 401  ${errorOf(answer.json)}`);
  });
}

const errorOf = (body: unknown) => String((body as { error?: string } | undefined)?.error ?? "");

interface Books {
  times_redeemed: number;
  edges: number;
  ledger_baisa: number;
}

async function readBooks(databaseUrl: string, code: string, userId: string): Promise<Books> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<Books>(
      `SELECT p.times_redeemed,
              (SELECT count(*)::int FROM promo_redemptions e WHERE e.code = p.code) AS edges,
              (SELECT sum(l.amount_baisa)::int FROM credit_ledger l
                 JOIN customers c ON c.id = l.customer_id WHERE c.user_id = $2) AS ledger_baisa
         FROM promo_codes p WHERE p.code = $1`,
      [code, userId],
    );
    expectThat(rows[0] !== undefined, `${code} is a row of promo_codes`);
    return rows[0];
  } finally {
    await client.end();
  }
}
