import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Organization } from "../../../src/api/organization.ts";
import { SOVEREIGN } from "../../../src/api/sovereign.ts";
import { resourceOf } from "../../../src/kube/resource.ts";
import { relayOutboxes } from "../../../src/operator/outbox-relay.ts";
import { issueVoucher, placeOrder, startBilling, type TestBilling } from "../../support/builder/billing.ts";
import { condition } from "../../support/builder/catalyst-object.ts";
import { type OperatorCluster, startOperatorCluster } from "../../support/server/operator-cluster.ts";

const SOVEREIGNS = resourceOf(SOVEREIGN);
const WAIT = { timeout: 20_000, interval: 50 };

let cluster: OperatorCluster;
let billing: TestBilling;
let stop: AbortController;
let relaying: Promise<void>;
let log: { msg: string; sovereign?: string }[];

beforeAll(async () => {
  cluster = await startOperatorCluster("outbox-test");
});
afterAll(() => cluster?.close());

beforeEach(async () => {
  billing = await startBilling();
  await issueVoucher(billing, "RELAY");
  stop = new AbortController();
  log = [];
  relaying = relayOutboxes({
    client: cluster.client,
    caches: cluster.caches,
    logger: pino({}, { write: (line) => log.push(JSON.parse(line)) }),
    signal: stop.signal,
  });
});
afterEach(async () => {
  stop.abort();
  await relaying;
  for (const { metadata } of cluster.caches.sovereigns.list())
    await cluster.client.delete(SOVEREIGNS, metadata);
  await vi.waitFor(() => expect(cluster.caches.sovereigns.list()).toEqual([]), WAIT);
  await billing.close();
});

async function createSovereign(name: string, isMigrated: boolean, databaseUrl?: string) {
  await cluster.createNamespace(`sovereign-${name}`);
  if (databaseUrl !== undefined)
    await cluster.writeSecret(`sovereign-${name}`, "billing-db", "uri", databaseUrl);
  return cluster.createSovereign(name, {}, isMigrated);
}

const organizations = (sovereign: string) =>
  cluster.caches.organizations.list().filter(({ spec }) => spec.sovereign === sovereign);
const order = (user: string) => placeOrder(billing, user, { promo_code: "RELAY" });
const undelivered = async () =>
  (await billing.database.pool.query("SELECT count(*)::int AS n FROM outbox WHERE delivered_at IS NULL"))
    .rows[0].n;
const connections = async () =>
  (
    await billing.database.pool.query(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'catalyst-operator' AND datname = current_database()",
    )
  ).rows[0].n;

describe("relayOutboxes", () => {
  it("creates an Organization for an order, and counts an existing one as delivered", async () => {
    await createSovereign("relayed", true, billing.database.url);
    await order("salma");
    await vi.waitFor(() => expect(organizations("relayed")).toHaveLength(1), WAIT);
    const [{ metadata, spec } = {} as Organization] = organizations("relayed");
    expect(spec).toMatchObject({ displayName: "salma-shop", owner: "salma", voucher: "RELAY" });

    await billing.database.pool.query("UPDATE outbox SET delivered_at = NULL");
    await vi.waitFor(async () => expect(await undelivered()).toBe(0), WAIT);
    expect(organizations("relayed").map((it) => it.metadata.uid)).toEqual([metadata.uid]);
  });

  it("waits for the migration and for the Secret", async () => {
    const one = await createSovereign("waiting", false);
    await order("ann");
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await connections()).toBe(0);
    const status = { conditions: [condition("Migrated", "True")] };
    await cluster.client.replace(SOVEREIGNS, { ...one, status }, "status");
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await connections()).toBe(0);
    await cluster.writeSecret("sovereign-waiting", "billing-db", "uri", billing.database.url);
    await vi.waitFor(() => expect(organizations("waiting")).toHaveLength(1), WAIT);
  });

  it("changes to the database that a changed Secret names, and stops relaying for a deleted Sovereign", async () => {
    await createSovereign("moving", true, "postgresql://nobody:pw@127.0.0.1:1/none");
    await vi.waitFor(
      () => expect(log.map(({ msg }) => msg)).toContainEqual(expect.stringContaining("outbox relay failed")),
      WAIT,
    );
    await order("bob");
    await cluster.writeSecret("sovereign-moving", "billing-db", "uri", billing.database.url);
    await vi.waitFor(() => expect(organizations("moving")).toHaveLength(1), WAIT);
    expect(await connections()).toBe(1);
    await cluster.client.delete(SOVEREIGNS, { name: "moving" });
    await vi.waitFor(async () => expect(await connections()).toBe(0), WAIT);
  });

  it("relays nothing from a database that belongs to another Sovereign", async () => {
    const { pool } = billing.database;
    await pool.query("INSERT INTO sovereign_identity (fqdn) VALUES ('bank.om')");
    await createSovereign("robber", true, billing.database.url);
    await order("eve");
    await vi.waitFor(
      () =>
        expect(log).toContainEqual(
          expect.objectContaining({
            sovereign: "robber",
            error: expect.stringContaining("the database belongs to Sovereign bank.om"),
          }),
        ),
      WAIT,
    );
    expect(organizations("robber")).toEqual([]);
    expect(await undelivered()).toBe(1);
    await pool.query("UPDATE sovereign_identity SET fqdn = 'robber.example'");
    await vi.waitFor(() => expect(organizations("robber")).toHaveLength(1), WAIT);
  });

  it("connects again after its connection broke", async () => {
    await createSovereign("broken", true, billing.database.url);
    await order("carol");
    await vi.waitFor(() => expect(organizations("broken")).toHaveLength(1), WAIT);
    await billing.database.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'catalyst-operator' AND datname = current_database()",
    );
    await order("dave");
    await vi.waitFor(() => expect(organizations("broken")).toHaveLength(2), WAIT);
    expect(log).toContainEqual(
      expect.objectContaining({
        level: 40,
        sink: "organization",
        msg: "the outbox relay lost its database connection: connecting again",
      }),
    );
  });
});
