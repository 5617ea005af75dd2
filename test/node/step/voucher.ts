import { expect } from "vitest";
import { createVoucherClient, newTenant } from "../../../src/playground/story/voucher-client.ts";
import { readVoucherRecord } from "../../../src/playground/story/voucher-record.ts";
import { until } from "../../support/wait.ts";
import type { NodeBench } from "../support/world-hook.ts";
import { omantel } from "./sovereign.ts";

const CODE = "LONG-LIVED";
let customerCount = 0;

/** Issues the voucher that all later steps use. */
export async function issueVoucher(bench: NodeBench): Promise<void> {
  const client = await clientOf(bench);
  const voucher = { code: CODE, credit_omr: 10, description: "Kept for years", max_redemptions: 1_000 };
  expect([200, 201]).toContain((await client.issue(voucher)).status);
}

/** A new customer redeems the voucher from the beginning, and every earlier redemption still exists. */
export async function expectVoucherKept(bench: NodeBench): Promise<void> {
  const client = await clientOf(bench);
  // After a power cut, the API server shows Pods as ready that have not started yet.
  const previews = () =>
    client.preview(CODE).then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(previews, "a preview succeeds", 120_000);
  const token = await client.newCustomerToken("long-lived");
  const response = await client.checkout(token, CODE, newTenant("long-lived"));
  expect([200, 201], response.text).toContain(response.status);
  customerCount += 1;
  const record = await readVoucherRecord(omantel(bench).databaseUrl, CODE, "nobody");
  expect([record.times_redeemed, record.redemptions]).toEqual([customerCount, customerCount]);
}

function clientOf(bench: NodeBench) {
  const sovereign = omantel(bench);
  return createVoucherClient(sovereign, sovereign.plans[0]?.id ?? "");
}
