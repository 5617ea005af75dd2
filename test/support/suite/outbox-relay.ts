import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { SOVEREIGN } from "../../../src/api/sovereign.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { createEventRecorder, type EventRecorder } from "../../../src/kube/event.ts";
import { resourceOf } from "../../../src/kube/resource.ts";
import { createFleetRelay, type OutboxRelay } from "../../../src/operator/outbox-relay.ts";
import { issueVoucher, placeOrder, startBilling, type TestBilling } from "../builder/billing.ts";
import { type OperatorCluster, startOperatorCluster } from "../server/operator-cluster.ts";
import { eventually } from "../wait.ts";

export const SOVEREIGNS = resourceOf(SOVEREIGN);

export let cluster: OperatorCluster;
export let billing: TestBilling;
export let stop: AbortController;
export let relay: OutboxRelay;
let relaying: Promise<unknown>;
let clock = new Date();
export let log: { msg: string; sovereign?: string }[];

/** One cluster for each test file. Each test has a relay on it, and a billing service with the voucher RELAY. */
export function useOutboxRelay(): void {
  beforeAll(async () => {
    cluster = await startOperatorCluster("outbox-test");
  });
  afterAll(() => cluster?.close());

  beforeEach(async () => {
    billing = await startBilling();
    await issueVoucher(billing, "RELAY");
    log = [];
    startRelay(cluster.client);
  });

  afterEach(async () => {
    await endRelay();
    for (const { metadata } of cluster.caches.sovereigns.list())
      await cluster.client.delete(SOVEREIGNS, metadata);
    await eventually(() => expect(cluster.caches.sovereigns.list()).toEqual([]));
    await billing.close();
  });
}

/** The Events of the relay, in namespace default of the cluster. */
export const recorder = (): EventRecorder =>
  createEventRecorder({
    ...{ client: cluster.client, component: "catalyst-operator", instance: "test" },
    ...{ logger: pino({ enabled: false }), now: () => new Date() },
  });

export function startRelay(client: KubeClient): void {
  stop = new AbortController();
  const { caches } = cluster;
  relay = createFleetRelay({
    ...{ client, caches, events: recorder(), now: () => clock },
    logger: pino({}, { write: (line) => log.push(JSON.parse(line)) }),
  });
  relaying = relay.run(stop.signal);
}

export async function endRelay(): Promise<void> {
  stop.abort();
  await relaying;
}

/** The client of the cluster. Its first creations fail with these statuses. */
export function troubled(...statuses: number[]): KubeClient {
  return {
    ...cluster.client,
    async create(resource, object) {
      const status = statuses.shift();
      if (status !== undefined) throw new KubeError(`status ${status}`, { status, reason: "Trouble" });
      return cluster.client.create(resource, object);
    },
  };
}

/** Moves the clock of the relay. */
export function advance(byMs: number): void {
  clock = new Date(clock.getTime() + byMs);
}

export async function createSovereign(name: string, isMigrated: boolean, databaseUrl?: string) {
  await cluster.createNamespace(`sovereign-${name}`);
  if (databaseUrl !== undefined)
    await cluster.writeSecret(`sovereign-${name}`, "billing-db", "uri", databaseUrl);
  const created = await cluster.createSovereign(name, {}, isMigrated);
  const cached = () => cluster.caches.sovereigns.get(name)?.metadata.resourceVersion;
  await eventually(() => expect(cached()).toBe(created.metadata.resourceVersion));
  return created;
}

export const organizations = (sovereign: string) =>
  cluster.caches.organizations.list().filter(({ spec }) => spec.sovereign === sovereign);
export const order = (user: string) => placeOrder(billing, user, { promo_code: "RELAY" });
export const undelivered = async () =>
  (await billing.database.pool.query("SELECT count(*)::int AS n FROM outbox WHERE delivered_at IS NULL"))
    .rows[0].n;
export const connections = async () =>
  (
    await billing.database.pool.query(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'catalyst-operator' AND datname = current_database()",
    )
  ).rows[0].n;
