import { describe, expect, it } from "vitest";
import { createDatabase } from "../../../../src/billing/db/database.ts";
import { handleTenantDeleted } from "../../../../src/billing/tenant/deletion.ts";
import { TENANT_TOPIC } from "../../../../src/billing/tenant/topic.ts";
import {
  billing,
  books,
  buy,
  EXPIRED,
  openSession,
  PENDING,
  pay,
  run,
  stripe,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";

/** A plan of 60 OMR less the voucher of 25. */
const PAID_BY_CARD = 35_000;

useCardPayments();

const deleteTenant = () =>
  handleTenantDeleted(createDatabase(billing.database.pool), TENANT_TOPIC, {
    kind: "tenant.deleted",
    eventId: `deletion-${run}`,
    tenantId: `${user}-shop`,
  });

describe("a tenant that is deleted while its order waits for a card", () => {
  it("restores voucher and credit when the deleted tenant's order has no session yet", async () => {
    stripe.fault = "in-use";
    await buy();
    expect(await books()).toEqual(PENDING);
    expect(await deleteTenant()).toMatchObject({ kind: "handled" });
    expect(await books()).toEqual({ ...PENDING, counter: 0, edges: 0, orders: ["failed"] });
  });

  it("leaves credit and a late payment to the customer of a deleted tenant", async () => {
    const { id } = await openSession();
    expect(await deleteTenant()).toMatchObject({ kind: "handled" });
    expect(await books()).toEqual(EXPIRED);
    await pay(id);
    expect(await books()).toEqual({
      ...EXPIRED,
      orders: ["credited"],
      balance: EXPIRED.balance + PAID_BY_CARD,
    });
    expect(await deleteTenant()).toEqual({ kind: "repeated" });
  });
});
