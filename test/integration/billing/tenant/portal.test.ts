import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signToken } from "../../../support/builder/billing.ts";
import { billing, openSession, pay, useCardPayments, user } from "../../../support/builder/card-payment.ts";
import { type AnsweringServer, startAnsweringServer } from "../../../support/server/answering-server.ts";

const env: Record<string, string> = {};
let tenants: AnsweringServer;
beforeAll(async () => {
  tenants = await startAnsweringServer();
  env.TENANT_URL = tenants.origin;
});
afterAll(() => tenants.close());
useCardPayments({ env });

const open = async (holder: string) => {
  const path = `/billing/portal/${user}-shop`;
  const { status, json } = await billing.ask(path, { method: "POST", token: await signToken(holder) });
  return [status, json.code ?? typeof json.url];
};

describe("the portal of a tenant with members", () => {
  it("shows a member no other tenant of the customer", async () => {
    tenants.answers[`/tenants/${user}-shop/members`] = { body: [{ user_id: "noor" }] };
    await pay((await openSession()).id);
    expect(await open("noor")).toEqual([200, "string"]);
    const { id } = await openSession({ tenant_id: `${user}-bakery`, promo_code: undefined });
    expect(await open("noor")).toEqual([200, "string"]);
    await pay(id);
    expect(await open("noor")).toEqual([404, "tenant_not_found"]);
    expect(await open(user)).toEqual([200, "string"]);
    expect(await open("ali")).toEqual([404, "tenant_not_found"]);
  });
});
