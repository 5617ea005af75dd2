import type { StoryContext, StorySovereign } from "./context.ts";
import { expectEqual, expectThat } from "./expectation.ts";
import { newCustomer, signIn } from "./person.ts";
import { callVoucherApi } from "./voucher-api.ts";
import {
  createVoucherClient,
  errorOf,
  newCode,
  newTenant,
  PREVIEW_MEMBERS,
  type VoucherClient,
} from "./voucher-client.ts";
import { readVoucherRecord } from "./voucher-record.ts";
import { runVoucherRefusals } from "./voucher-refusal.ts";

const CREDIT_OMR = 25;

interface Order {
  order_id: string;
  paid_by_credit: boolean;
  credit_balance: number;
}

/**
 * Follows a voucher from its issue to an Organization on one franchised Sovereign, then shows the refusals. Returns the
 * code of a voucher that stays live.
 */
export async function runVoucherChapter(context: StoryContext, sovereign: StorySovereign): Promise<string> {
  const plan = sovereign.plans[0];
  expectThat(plan !== undefined, `${sovereign.name} has a tier in spec.tiers`);
  const client = await createVoucherClient(sovereign, plan.id);
  const code = newCode("RAMADAN");
  await runOffer(context, sovereign, client, code);
  await runRedemption(context, sovereign, client, code, plan);
  await runVoucherRefusals(context, sovereign, client, CREDIT_OMR);
  return issueLiveVoucher(context, client);
}

function issueLiveVoucher({ reporter }: StoryContext, client: VoucherClient): Promise<string> {
  return reporter.step("A voucher stays live, so that you can try the pages", async (observe) => {
    const code = newCode("WELCOME");
    const response = await client.issue({
      code,
      credit_omr: CREDIT_OMR,
      description: "Welcome offer",
      max_redemptions: 100,
    });
    expectThat([200, 201].includes(response.status), "issue returns 200 or 201", response.text);
    observe(`POST /billing/vouchers/issue → ${response.status}  ${code}, ${CREDIT_OMR} OMR, 100 redemptions`);
    return code;
  });
}

async function runOffer(
  { reporter }: StoryContext,
  sovereign: StorySovereign,
  client: VoucherClient,
  code: string,
): Promise<void> {
  await reporter.step(`A sovereign-admin of ${sovereign.name} issues a voucher`, async (observe) => {
    const response = await client.issue({
      code,
      credit_omr: CREDIT_OMR,
      description: "Ramadan offer",
      max_redemptions: 3,
    });
    expectThat([200, 201].includes(response.status), "issue returns 200 or 201", response.text);
    observe(`POST /billing/vouchers/issue → ${response.status}  ${code}, ${CREDIT_OMR} OMR, 3 redemptions`);
  });

  await reporter.step("A visitor previews it, without a token and in lower case", async (observe) => {
    const response = await client.preview(`  ${code.toLowerCase()} `);
    expectEqual("status", response.status, 200);
    expectEqual("members of the preview", Object.keys(response.json as object).sort(), PREVIEW_MEMBERS);
    observe(`POST /billing/vouchers/redeem-preview → 200  ${response.text}`);
  });

  await reporter.step("The redeem page shows the offer in the Sovereign's branding", async (observe) => {
    const path = `/redeem?code=${encodeURIComponent(code)}`;
    const { status, text } = await callVoucherApi(sovereign.url, path);
    expectEqual("status", status, 200);
    expectThat(text.includes(String(CREDIT_OMR)), "the page shows the credit", text);
    expectThat(text.includes(sovereign.displayName), `the page shows ${sovereign.displayName}`, text);
    const heading = /<h1[^>]*>(.*?)<\/h1>/s
      .exec(text)?.[1]
      ?.replace(/<[^>]*>/g, "")
      .trim();
    observe(`GET ${path} → 200  "${heading ?? ""}"`);
  });
}

async function runRedemption(
  { reporter, cluster, reconcileLedger }: StoryContext,
  sovereign: StorySovereign,
  client: VoucherClient,
  code: string,
  plan: StorySovereign["plans"][number],
): Promise<void> {
  const customer = newCustomer("salma");
  const token = await signIn(customer, sovereign.jwtSecret);
  const tenant = newTenant("salma-shop");

  const order = await reporter.step(
    "A customer checks out; one transaction redeems the voucher",
    async (observe) => {
      const response = await client.checkout(token, code.toLowerCase(), tenant);
      expectThat([200, 201].includes(response.status), "checkout returns 200 or 201", response.text);
      const placed = response.json as Order;
      expectEqual("paid_by_credit", placed.paid_by_credit, true);
      observe(
        `POST /billing/checkout → ${response.status}  plan ${plan.id} (${plan.priceBaisa / 1000} OMR), credit left ${placed.credit_balance} OMR`,
      );
      return placed;
    },
  );

  await reporter.step("Ledger, redemptions and counter agree in PostgreSQL", async (observe) => {
    const record = await readVoucherRecord(sovereign.databaseUrl, code, customer.id);
    expectEqual("database records", record, {
      times_redeemed: 1,
      redemptions: 1,
      ledger_baisa: CREDIT_OMR * 1000 - plan.priceBaisa,
    });
    observe(
      `times_redeemed 1 = redemptions 1; ledger ${CREDIT_OMR * 1000} − ${plan.priceBaisa} = ${record.ledger_baisa} baisa`,
    );
    observe(await reconcileLedger(sovereign));
  });

  await reporter.step("The operator creates an Organization for the order", async (observe) => {
    const organization = await cluster.waitForOrganization(order.order_id);
    observe(`organization/${organization} (order ${order.order_id})`);
  });

  await reporter.step("The same customer cannot redeem the voucher twice", async (observe) => {
    const response = await client.checkout(token, code, tenant);
    expectEqual("status", response.status, 409);
    observe(`POST /billing/checkout → 409  ${errorOf(response)}`);
  });
}
