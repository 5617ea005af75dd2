import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SecretObject } from "../../../src/api/object.ts";
import type { Organization } from "../../../src/api/organization.ts";
import { ORGANIZATION } from "../../../src/api/organization.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { resourceOf, SECRETS } from "../../../src/kube/resource.ts";
import { createOutboxPass } from "../../../src/operator/outbox-pass.ts";
import { createObservedSubscriptions } from "../../../src/operator/subscription-standing.ts";
import { createLogger } from "../../../src/platform/log.ts";
import {
  issueVoucher,
  placeOrder,
  reconcile,
  startBilling,
  type TestBilling,
} from "../../support/builder/billing.ts";
import { createFault, FAULT_KINDS } from "../../support/process/operator-fault.ts";
import { type OperatorCluster, startOperatorCluster } from "../../support/server/operator-cluster.ts";
import { createPostgresProxy } from "../../support/server/postgres-proxy.ts";
import { eventually } from "../../support/wait.ts";

let cluster: OperatorCluster;
let billing: TestBilling;
let proxy: Awaited<ReturnType<typeof createPostgresProxy>>;
let orders = 0;

beforeAll(async () => {
  cluster = await startOperatorCluster("outbox-fault");
  billing = await startBilling();
  await issueVoucher(billing, "FAULT");
  proxy = await createPostgresProxy(billing.database.url);
  await cluster.createNamespace("sovereign-faulty");
  await cluster.writeSecret("sovereign-faulty", "billing-db", "uri", proxy.url);
  const { metadata } = await cluster.createSovereign("faulty", {}, true);
  const cached = () => cluster.caches.sovereigns.get("faulty")?.metadata.resourceVersion;
  await eventually(() => expect(cached()).toBe(metadata.resourceVersion));
});
afterAll(async () => {
  proxy?.close();
  await billing?.close();
  await cluster?.close();
});

const count = async (sql: string) => Number((await billing.database.pool.query(sql)).rows[0].n);
const undelivered = () => count("SELECT count(*) AS n FROM outbox WHERE delivered_at IS NULL");

/** The passes of one process. */
function startPasses(client: KubeClient, caches = cluster.caches) {
  const passes = createOutboxPass({
    ...{ client, caches, logger: createLogger("test", "silent") },
    events: { record: () => undefined, flush: async () => undefined, settle: async () => undefined },
    subscriptions: createObservedSubscriptions({
      ...{ ...cluster.caches, now: () => new Date() },
    }),
  });
  return () => passes.relay("faulty", new AbortController().signal);
}

/** One pass in a new process. */
const relay = (client: KubeClient = cluster.client) => startPasses(client)();

async function order(): Promise<void> {
  orders += 1;
  expect((await placeOrder(billing, `user-${orders}`, { promo_code: "FAULT" })).status).toBe(200);
}

/** The next processes deliver the remaining orders: one Organization for each order, and consistent books. */
async function requireOneEach(): Promise<void> {
  proxy.disarm();
  await eventually(async () => {
    await relay();
    expect(await undelivered()).toBe(0);
  });
  const { items } = await cluster.client.list<Organization>(resourceOf(ORGANIZATION));
  const names = await billing.database.pool.query("SELECT id::text FROM orders ORDER BY id");
  expect(items.map(({ spec }) => spec.order).sort()).toEqual(names.rows.map(({ id }) => id).sort());
  expect(items).toHaveLength(orders);
  expect(await reconcile(billing)).toEqual([]);
  expect({
    redemptions: await count("SELECT count(*) AS n FROM promo_redemptions"),
    counter: await count("SELECT times_redeemed AS n FROM promo_codes WHERE code = 'FAULT'"),
    ledger: await count("SELECT count(*) AS n FROM credit_ledger WHERE amount_baisa > 0"),
  }).toEqual({ redemptions: orders, counter: orders, ledger: orders });
}

describe("the relay of an outbox", () => {
  it("creates one Organization for each order when its process dies after any SQL statement", async () => {
    let deaths = 0;
    for (let isOver = false; !isOver; ) {
      await order();
      proxy.loseAnswer(deaths + 1);
      await relay().catch(() => undefined);
      isOver = proxy.isArmed();
      if (!isOver) deaths += 1;
      await requireOneEach();
    }
    process.stdout.write(`statements of a relay after which it died: ${deaths}\n`);
    // The login, the identity, the lock, the events, the delivery, the events again, the next one, and the subscriptions.
    expect(deaths).toBeGreaterThanOrEqual(8);
  });

  it("reads the database URL again after a refused login, although the watch reported no change", async () => {
    const write = (url: string) => cluster.writeSecret("sovereign-faulty", "billing-db", "uri", url);
    await write(`${proxy.url}_gone`);
    const secret = { namespace: "sovereign-faulty", name: "billing-db" };
    const shown = await cluster.client.get<SecretObject>(SECRETS, secret);
    const secretVersions = { ...cluster.caches.secretVersions, get: () => shown };
    const pass = startPasses(cluster.client, { ...cluster.caches, secretVersions });
    await expect(pass()).rejects.toThrow();
    await write(proxy.url);
    expect(await pass()).toMatchObject({ kind: "drained" });
  });

  it.each(FAULT_KINDS)(
    "creates one Organization for an order when its creation ends with %s",
    async (kind) => {
      await order();
      const fault = createFault({ kind, call: 1 });
      fault.arm();
      const create = ((...args: Parameters<KubeClient["create"]>) =>
        fault.gate("create Organization", () => cluster.client.create(...args))) as KubeClient["create"];
      await relay({ ...cluster.client, create }).catch(() => undefined);
      expect(fault.hasCome()).toBe(true);
      await requireOneEach();
    },
  );

  it("ends a pass although the database does not close the connection", async () => {
    await order();
    proxy.hangAtEnd();
    expect(await relay()).toMatchObject({ kind: "drained" });
    expect(await undelivered()).toBe(0);
  });
});
