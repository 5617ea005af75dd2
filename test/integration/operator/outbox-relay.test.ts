import { once } from "node:events";
import { createServer } from "node:net";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Organization } from "../../../src/api/organization.ts";
import { EVENTS } from "../../../src/kube/resource.ts";
import { createFleetRelay } from "../../../src/operator/outbox-relay.ts";
import { condition } from "../../support/builder/catalyst-object.ts";
import {
  advance,
  billing,
  cluster,
  connections,
  createSovereign,
  endRelay,
  log,
  order,
  organizations,
  recorder,
  relay,
  SOVEREIGNS,
  startRelay,
  stop,
  troubled,
  undelivered,
  useOutboxRelay,
} from "../../support/suite/outbox-relay.ts";
import { eventually } from "../../support/wait.ts";

useOutboxRelay();

describe("createFleetRelay", () => {
  it("creates an Organization for an order before it answers the notice, and counts an existing one as delivered", async () => {
    await createSovereign("relayed", true, billing.database.url);
    await order("salma");
    expect(await relay.notice("relayed.example")).toBe(true);
    await eventually(() => expect(organizations("relayed")).toHaveLength(1));
    const [{ metadata, spec } = {} as Organization] = organizations("relayed");
    expect(spec).toMatchObject({ displayName: "salma-shop", owner: "salma", voucher: "RELAY" });

    await billing.database.pool.query("UPDATE outbox SET delivered_at = NULL");
    expect(await relay.notice("relayed.example")).toBe(true);
    expect(await undelivered()).toBe(0);
    expect(organizations("relayed").map((it) => it.metadata.uid)).toEqual([metadata.uid]);
    expect(await connections()).toBe(0);
  });

  it("reads the subscription of each Organization, reports a change, and asks once a minute", async () => {
    await createSovereign("followed", true, billing.database.url);
    await order("salma");
    const reported: string[] = [];
    relay.subscriptions.connect((key) => void reported.push(key), stop.signal);
    // The Organization is in the cache after the pass that created it.
    const look = async () => expect(await relay.notice("followed.example")).toBe(true);
    await look();
    await eventually(() => expect(organizations("followed")).toHaveLength(1));
    const [organization = {} as Organization] = organizations("followed");
    const standing = () => {
      const found = relay.subscriptions.standingOf(organization);
      return typeof found === "object" ? found.status : found;
    };
    await eventually(async () => {
      await look();
      expect(standing()).toBe("active");
    });
    expect(relay.subscriptions.standingOf(organization)).toMatchObject({
      periodEndsAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(reported).toEqual([organization.metadata.name]);

    await billing.database.pool.query("UPDATE subscriptions SET status = 'canceled'");
    await look();
    expect(standing()).toBe("active");
    advance(60_000);
    await look();
    expect(standing()).toBe("canceled");
    expect(reported).toHaveLength(2);
    advance(60_000);
    await look();
    expect(reported).toHaveLength(2);
    await billing.database.pool.query("ALTER TABLE subscriptions RENAME TO elsewhere");
    advance(60_000);
    await look();
    expect(standing()).toBe("canceled");

    advance(3 * 3_600_000);
    await look();
    expect(standing()).toBe("outdated");
    relay.subscriptions.connect(() => undefined, stop.signal);
    expect(standing()).toBeUndefined();
    await billing.database.pool.query("ALTER TABLE elsewhere RENAME TO subscriptions");
    await look();
    expect(standing()).toBe("canceled");
    expect(reported).toHaveLength(3);

    await cluster.client.delete(SOVEREIGNS, { name: "followed" });
    await eventually(() => expect(reported.length).toBeGreaterThan(3));
    expect(standing()).toBe("sovereign-missing");
  });

  it("delivers each order once when two relays are notified at once", async () => {
    await createSovereign("twice", true, billing.database.url);
    const other = createFleetRelay({
      client: cluster.client,
      caches: cluster.caches,
      events: recorder(),
      logger: pino({ enabled: false }),
      now: () => new Date(),
    });
    const otherRun = other.run(stop.signal);
    const users = Array.from({ length: 12 }, (_, at) => `user-${at}`);
    await Promise.all(
      users.map(async (user, at) => {
        await order(user);
        const asked = at % 2 === 0 ? relay : other;
        await eventually(async () => expect(await asked.notice("twice.example")).toBe(true));
      }),
    );
    expect(await undelivered()).toBe(0);
    await eventually(() => expect(organizations("twice")).toHaveLength(users.length));
    stop.abort();
    await otherRun;
  });

  it("relays nothing before the Sovereign is migrated, and refuses a notice while the Secret is missing", async () => {
    const one = await createSovereign("waiting", false);
    await order("ann");
    expect(await relay.notice("waiting.example")).toBeUndefined();
    expect(await relay.notice("unknown.example")).toBeUndefined();
    const status = { conditions: [condition("Migrated", "True")] };
    await cluster.client.replace(SOVEREIGNS, { ...one, status }, "status");
    await eventually(async () => expect(await relay.notice("waiting.example")).toBe(false));
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
    await eventually(() => expect(organizations("robber")).toHaveLength(1));
  });

  it("delivers in its sweep orders whose notice was lost, and orders of a Sovereign whose Secret was created later", async () => {
    const sweeping = relay.sweep(stop.signal);
    await createSovereign("later", true);
    await order("bob");
    await cluster.writeSecret("sovereign-later", "billing-db", "uri", billing.database.url);
    await eventually(() => expect(organizations("later")).toHaveLength(1));
    stop.abort();
    await sweeping;
  });

  it("delivers in its sweep orders that are older than the sweep", async () => {
    await createSovereign("earlier", true, billing.database.url);
    await order("dana");
    const sweeping = relay.sweep(stop.signal);
    await eventually(() => expect(organizations("earlier")).toHaveLength(1));
    stop.abort();
    await sweeping;
  });

  it("tries again while the API server is unreachable, and logs one line for the outage and one for its end", async () => {
    await endRelay();
    startRelay(troubled(503, 429));
    await createSovereign("outage", true, billing.database.url);
    await order("ella");
    expect(await relay.notice("outage.example")).toBe(false);
    expect(await undelivered()).toBe(1);
    await eventually(async () => expect(await undelivered()).toBe(0));
    // The pass that delivered ends a little later, after it has read the subscriptions.
    const outboxMessages = () => log.map(({ msg }) => msg).filter((msg) => msg.startsWith("the outbox"));
    await eventually(() =>
      expect(outboxMessages()).toEqual([
        "the outbox cannot be relayed; it is tried again",
        "the outbox can be relayed again",
      ]),
    );
  });

  it("delivers without another notice an order that the API server refused once", async () => {
    await endRelay();
    startRelay(troubled(422));
    await createSovereign("refused", true, billing.database.url);
    await order("fay");
    expect(await relay.notice("refused.example")).toBe(false);
    await eventually(async () => expect(await undelivered()).toBe(0));
    expect(log.map(({ msg }) => msg)).not.toContain("the outbox cannot be relayed; it is tried again");
    const events = async () =>
      (
        await cluster.client.list<KubernetesObject & { reason: string; message: string }>(EVENTS)
      ).items.filter(({ reason }) => reason === "OrganizationRefused");
    await eventually(async () =>
      expect(await events()).toMatchObject([
        {
          involvedObject: { kind: "Sovereign", name: "refused" },
          message: expect.stringMatching(
            /^order \S+ has no Organization yet: the request: the API server answers 422 Trouble: status 422: correct/,
          ),
        },
      ]),
    );
  });

  it("waits for a relay of another process that holds the outbox", async () => {
    await createSovereign("held", true, billing.database.url);
    const other = await billing.database.pool.connect();
    await other.query("SELECT pg_advisory_lock(hashtextextended('outbox:organization', 4))");
    await order("gil");
    expect(await relay.notice("held.example")).toBe(false);
    expect(await undelivered()).toBe(1);
    await other.query("SELECT pg_advisory_unlock_all()");
    other.release();
    await eventually(async () => expect(await undelivered()).toBe(0));
  });

  it("relays nothing for a Sovereign that was deleted, and nothing after its end", async () => {
    const { metadata } = await createSovereign("gone", true, billing.database.url);
    await cluster.client.delete(SOVEREIGNS, metadata);
    await eventually(async () => expect(await relay.notice("gone.example")).toBeUndefined());
    await order("hana");
    expect(await relay.notice("gone.example")).toBeUndefined();
    expect(await undelivered()).toBe(1);
    await createSovereign("closed", true, billing.database.url);
    stop.abort();
    expect(await relay.notice("closed.example")).toBe(false);
  });

  it("delays no Sovereign while twenty databases of others do not answer", async () => {
    // It accepts connections and never answers.
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    const broken = Array.from({ length: 20 }, (_, at) => `broken-${at}`);
    for (const name of broken)
      await createSovereign(name, true, `postgresql://billing:secret@127.0.0.1:${port}/billing`);
    // Each has failed once, and its retry now occupies a worker.
    expect(new Set(await Promise.all(broken.map((name) => relay.notice(`${name}.example`))))).toEqual(
      new Set([false]),
    );
    const answers = broken.map((name) => relay.notice(`${name}.example`));
    await createSovereign("healthy", true, billing.database.url);
    await order("carol");
    const askedAt = performance.now();
    expect(await relay.notice("healthy.example")).toBe(true);
    // A connection that does not answer is given up after 3 seconds.
    expect(performance.now() - askedAt).toBeLessThan(2_900);
    expect(log.filter(({ msg }) => msg.startsWith("the outbox cannot be relayed"))).toHaveLength(20);
    expect(JSON.stringify(log)).not.toContain("secret");
    stop.abort();
    silent.close();
    await Promise.all(answers);
  });
});
