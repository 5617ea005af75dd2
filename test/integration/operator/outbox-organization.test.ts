import { describe, expect, it } from "vitest";
import { ORGANIZATION, type Organization } from "../../../src/api/organization.ts";
import { resourceOf } from "../../../src/kube/resource.ts";
import { placeOrder } from "../../support/builder/billing.ts";
import {
  billing,
  cluster,
  createSovereign,
  order,
  organizations,
  relay,
  undelivered,
  useOutboxRelay,
} from "../../support/suite/outbox-relay.ts";
import { eventually } from "../../support/wait.ts";

useOutboxRelay();

describe("an Organization that a person deletes", () => {
  it("keeps the billing rows of an Organization that is deleted, and assigns them to the next order", async () => {
    await createSovereign("trail", true, billing.database.url);
    await order("salma");
    expect(await relay.notice("trail.example")).toBe(true);
    await eventually(() => expect(organizations("trail")).toHaveLength(1));
    const [{ metadata } = {} as Organization] = organizations("trail");
    const trail = async () => {
      const tables = ["orders", "credit_ledger", "promo_redemptions", "subscriptions", "tenants", "invoices"];
      const rows = tables.map((table) =>
        billing.database.pool.query(`SELECT t.* FROM ${table} t ORDER BY t`),
      );
      return (await Promise.all(rows)).map(({ rows: found }) => found);
    };
    const before = await trail();
    await cluster.client.delete(resourceOf(ORGANIZATION), metadata);
    await eventually(() => expect(organizations("trail")).toEqual([]));
    expect(await relay.notice("trail.example")).toBe(true);
    expect(await trail()).toEqual(before);
    expect(await cluster.client.get(resourceOf(ORGANIZATION), metadata)).toBeUndefined();
    await placeOrder(billing, "salma", { addons: [] });
    await eventually(async () => expect(await relay.notice("trail.example")).toBe(true));
    await eventually(() =>
      expect(organizations("trail").map((it) => it.metadata.name)).toEqual([metadata.name]),
    );
  });

  it("creates another Organization for an order that arrives while the tenant's is being deleted, and none for a repeated one", async () => {
    await createSovereign("leaving", true, billing.database.url);
    await order("salma");
    expect(await relay.notice("leaving.example")).toBe(true);
    await eventually(() => expect(organizations("leaving")).toHaveLength(1));
    const [{ metadata } = {} as Organization] = organizations("leaving");
    const resource = resourceOf(ORGANIZATION);
    const hold = (finalizers: string[]) =>
      cluster.client.mergePatch(resource, metadata, { metadata: { finalizers } });
    await hold(["example.com/held"]);
    await cluster.client.delete(resource, metadata);
    await billing.database.pool.query("UPDATE outbox SET delivered_at = NULL");
    await eventually(async () => expect(await relay.notice("leaving.example")).toBe(true));
    await placeOrder(billing, "salma", { addons: [] });
    expect(await relay.notice("leaving.example")).toBe(false);
    const { rows } = await billing.database.pool.query(
      "SELECT last_error FROM outbox WHERE delivered_at IS NULL",
    );
    expect(rows[0].last_error).toMatch(/is being deleted: the order gets another one when it is gone$/);
    await hold([]);
    await eventually(async () => expect(await undelivered()).toBe(0));
    await eventually(() => {
      const [successor] = organizations("leaving");
      expect(successor?.metadata.name).toBe(metadata.name);
      expect(successor?.metadata.uid).not.toBe(metadata.uid);
    });
  });
});
