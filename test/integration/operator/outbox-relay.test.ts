import { once } from "node:events";
import { createServer } from "node:net";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Organization } from "../../../src/api/organization.ts";
import { SOVEREIGN } from "../../../src/api/sovereign.ts";
import { resourceOf } from "../../../src/kube/resource.ts";
import { createFleetRelay, type OutboxRelay } from "../../../src/operator/outbox-relay.ts";
import { issueVoucher, placeOrder, startBilling, type TestBilling } from "../../support/builder/billing.ts";
import { condition } from "../../support/builder/catalyst-object.ts";
import { type OperatorCluster, startOperatorCluster } from "../../support/server/operator-cluster.ts";

const SOVEREIGNS = resourceOf(SOVEREIGN);
const WAIT = { timeout: 20_000, interval: 50 };

let cluster: OperatorCluster;
let billing: TestBilling;
let stop: AbortController;
let relay: OutboxRelay;
let relaying: Promise<unknown>;
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
  relay = createFleetRelay({
    client: cluster.client,
    caches: cluster.caches,
    logger: pino({}, { write: (line) => log.push(JSON.parse(line)) }),
  });
  relaying = relay.run(stop.signal);
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
  const created = await cluster.createSovereign(name, {}, isMigrated);
  const cached = () => cluster.caches.sovereigns.get(name)?.metadata.resourceVersion;
  await vi.waitFor(() => expect(cached()).toBe(created.metadata.resourceVersion), WAIT);
  return created;
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

describe("createFleetRelay", () => {
  it("creates an Organization for an order before it answers the notice, and counts an existing one as delivered", async () => {
    await createSovereign("relayed", true, billing.database.url);
    await order("salma");
    expect(await relay.notice("relayed.example")).toBe(true);
    await vi.waitFor(() => expect(organizations("relayed")).toHaveLength(1), WAIT);
    const [{ metadata, spec } = {} as Organization] = organizations("relayed");
    expect(spec).toMatchObject({ displayName: "salma-shop", owner: "salma", voucher: "RELAY" });

    await billing.database.pool.query("UPDATE outbox SET delivered_at = NULL");
    expect(await relay.notice("relayed.example")).toBe(true);
    expect(await undelivered()).toBe(0);
    expect(organizations("relayed").map((it) => it.metadata.uid)).toEqual([metadata.uid]);
    expect(await connections()).toBe(0);
  });

  it("delivers all orders that two relays are told of at once, each once", async () => {
    await createSovereign("twice", true, billing.database.url);
    const other = createFleetRelay({
      client: cluster.client,
      caches: cluster.caches,
      logger: pino({ enabled: false }),
    });
    const otherRun = other.run(stop.signal);
    const users = Array.from({ length: 12 }, (_, at) => `user-${at}`);
    await Promise.all(
      users.map(async (user, at) => {
        await order(user);
        const asked = at % 2 === 0 ? relay : other;
        await vi.waitFor(async () => expect(await asked.notice("twice.example")).toBe(true), WAIT);
      }),
    );
    expect(await undelivered()).toBe(0);
    await vi.waitFor(() => expect(organizations("twice")).toHaveLength(users.length), WAIT);
    stop.abort();
    await otherRun;
  });

  it("relays none that is not migrated, and refuses a notice while the Secret is missing", async () => {
    const one = await createSovereign("waiting", false);
    await order("ann");
    expect(await relay.notice("waiting.example")).toBeUndefined();
    expect(await relay.notice("unknown.example")).toBeUndefined();
    const status = { conditions: [condition("Migrated", "True")] };
    await cluster.client.replace(SOVEREIGNS, { ...one, status }, "status");
    await vi.waitFor(async () => expect(await relay.notice("waiting.example")).toBe(false), WAIT);
    expect(await undelivered()).toBe(1);
  });

  it("relays nothing from a database that belongs to another Sovereign", async () => {
    const { pool } = billing.database;
    await pool.query("INSERT INTO sovereign_identity (fqdn) VALUES ('bank.om')");
    await createSovereign("robber", true, billing.database.url);
    await order("eve");
    expect(await relay.notice("robber.example")).toBe(false);
    expect(log).toContainEqual(
      expect.objectContaining({
        sovereign: "robber",
        reason: expect.stringContaining("the database belongs to Sovereign bank.om"),
      }),
    );
    expect(organizations("robber")).toEqual([]);
    expect(await undelivered()).toBe(1);
    await pool.query("UPDATE sovereign_identity SET fqdn = 'robber.example'");
    expect(await relay.notice("robber.example")).toBe(true);
    await vi.waitFor(() => expect(organizations("robber")).toHaveLength(1), WAIT);
  });

  it("finds in its sweep the orders whose notice was lost, and those of a Sovereign whose Secret came later", async () => {
    const sweeping = relay.sweep(stop.signal);
    await createSovereign("later", true);
    await order("bob");
    await cluster.writeSecret("sovereign-later", "billing-db", "uri", billing.database.url);
    await vi.waitFor(() => expect(organizations("later")).toHaveLength(1), WAIT);
    stop.abort();
    await sweeping;
  });

  it("delays no Sovereign while the databases of twenty others do not answer", async () => {
    // It accepts connections and never answers.
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    const broken = Array.from({ length: 20 }, (_, at) => `broken-${at}`);
    for (const name of broken)
      await createSovereign(name, true, `postgresql://billing:secret@127.0.0.1:${port}/billing`);
    // Each has failed once, and now keeps the workers for retries busy.
    expect(new Set(await Promise.all(broken.map((name) => relay.notice(`${name}.example`))))).toEqual(
      new Set([false]),
    );
    const answers = broken.map((name) => relay.notice(`${name}.example`));
    await createSovereign("healthy", true, billing.database.url);
    await order("carol");
    const askedAt = performance.now();
    expect(await relay.notice("healthy.example")).toBe(true);
    expect(performance.now() - askedAt).toBeLessThan(1_500);
    expect(log.filter(({ msg }) => msg.startsWith("the outbox cannot be relayed"))).toHaveLength(20);
    expect(JSON.stringify(log)).not.toContain("secret");
    stop.abort();
    silent.close();
    await Promise.all(answers);
  }, 90_000);
});
