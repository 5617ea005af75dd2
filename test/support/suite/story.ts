import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { ADVISORY_LOCK } from "../../../src/billing/db/migrate.ts";
import { MIGRATIONS } from "../../../src/billing/db/schema.ts";
import { canonicalJson } from "../../../src/platform/canonical-json.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import { type ApiConnection, createApiConnection } from "../../../src/playground/story/api-connection.ts";
import { type Cluster, createCluster } from "../../../src/playground/story/cluster.ts";
import type { ObjectReference } from "../../../src/playground/story/cluster-object.ts";
import {
  isOurs,
  killOperator,
  migrationRuns,
  newStateDir,
  operatorsOf,
  type PlaygroundProcess,
  processesWith,
  removeStateDir,
  type SovereignEntry,
  startPlaygroundProcess,
} from "../process/playground.ts";

const SELF: ObjectReference = { kind: "Sovereign", name: "omantel" };
const DEPLOYMENT: ObjectReference = { kind: "Deployment", name: "billing", namespace: "sovereign-omantel" };

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const POLICY = "catalyst-webhook-configuration";

/** The same behaviour against either control plane: the story, then what people and faults do to it. */
export function describeStory(controlPlane: "embedded" | "real"): void {
  describe(`the playground on the ${controlPlane} control plane`, () => {
    const stateDir = newStateDir();
    let playground: PlaygroundProcess;
    let sovereigns: SovereignEntry[];
    let api: ApiConnection;
    let cluster: Cluster;

    beforeAll(async () => {
      playground = await startPlaygroundProcess(stateDir, ["--control-plane", controlPlane]);
      sovereigns = await playground.storyTold();
      api = createApiConnection(playground.kubeconfig);
      cluster = createCluster(api, AbortSignal.timeout(240_000));
    }, 120_000);

    afterAll(async () => {
      if (playground?.child.exitCode === null) await playground.kill();
      removeStateDir(stateDir);
    });

    const omantel = () => {
      const entry = sovereigns.find(({ name }) => name === "omantel");
      if (entry === undefined) throw new Error("omantel is not among the Sovereigns");
      return entry;
    };
    const query = async <Row extends pg.QueryResultRow>(text: string): Promise<Row[]> => {
      const client = new pg.Client({ connectionString: omantel().databaseUrl });
      await client.connect();
      try {
        return (await client.query<Row>(text)).rows;
      } finally {
        await client.end();
      }
    };
    const ready = () => cluster.waitForCondition(SELF, "Ready", "True");
    /** Each migration so often, as the log of the Pods tells it. */
    const eachRan = (times: number) => Object.fromEntries(MIGRATIONS.map(({ name }) => [name, times]));
    const migrationsOf = async () =>
      (await query<{ name: string }>("SELECT name FROM kysely_migration ORDER BY name")).map(
        ({ name }) => name,
      );
    /** Deletes omantel, and what it takes to bring it back. */
    const removeSovereign = async () => {
      const { spec } = await cluster.mustGet<KubernetesObject & { spec: object }>(SELF);
      await cluster.asAdmin().remove(SELF);
      await cluster.waitUntilGone(DEPLOYMENT);
      await cluster.waitUntilGone(SELF);
      await expect.poll(() => cluster.list("Pod", "sovereign-omantel"), { timeout: 20_000 }).toEqual([]);
      return {
        apiVersion: "catalyst.openova.io/v1alpha1",
        kind: "Sovereign",
        metadata: { name: "omantel" },
        spec,
      };
    };

    it("tells the whole story", () => {
      expect(playground.output()).toMatch(/\d+ steps passed, 0 failed/);
      expect(playground.output()).not.toContain("FAILED");
      expect(sovereigns.map(({ name }) => name)).toEqual(["catalyst-zero", "omantel"]);
      for (const { name } of sovereigns) expect(migrationRuns(stateDir, name)).toEqual(eachRan(1));
    });

    it("serves the embedded voucher API of Catalyst-Zero from the operator", async () => {
      const pods = await cluster.list("Pod", "catalyst-system");
      const address = (pods[0] as unknown as { status: { podIP: string } }).status.podIP;
      const zero = sovereigns.find(({ name }) => name === "catalyst-zero");
      const answer = await fetch(`http://${address}:8085/billing/vouchers/list`, {
        headers: { authorization: `Bearer ${zero?.adminToken}` },
      });
      expect([answer.status, await answer.json()]).toEqual([200, []]);
    });

    it("limits visitors behind a trusted proxy each by themselves, on the Pods and on the embedded API", async () => {
      const zero: ObjectReference = { kind: "Sovereign", name: "catalyst-zero" };
      const { url } = sovereigns.find(({ name }) => name === zero.name) ?? omantel();
      const [pod] = await cluster.list("Pod", "catalyst-system");
      const embedded = `http://${(pod as unknown as { status: { podIP: string } }).status.podIP}:8085`;
      /** Codes that nobody has, until the visitor is told to wait; how often it was let through. */
      const misses = async (origin: string, visitor: string) => {
        for (let count = 0; count <= 30; count += 1) {
          const { status } = await fetch(`${origin}/billing/vouchers/redeem-preview`, {
            method: "POST",
            headers: { "content-type": "application/json", "x-forwarded-for": visitor },
            body: JSON.stringify({ code: `MISS-${count}` }),
          });
          if (status === 429) return count;
        }
        return Number.POSITIVE_INFINITY;
      };
      expect([await misses(embedded, "203.0.113.1"), await misses(embedded, "203.0.113.2")]).toEqual([10, 0]);
      const ingress = { host: "zero.catalyst.example", trustedProxies: ["127.0.0.0/8"] };
      await cluster.asAdmin().mergePatch(zero, { spec: { billing: { ingress } } });
      await cluster.waitUntil(
        { kind: "Deployment", name: "billing", namespace: "sovereign-catalyst-zero" },
        "it names the proxies",
        (object) => JSON.stringify(object).includes('"value":"127.0.0.0/8"'),
      );
      let visitors = 10;
      /** What is left for somebody after somebody else has spent everything. */
      const leftForAnother = async (origin: string) => {
        visitors += 2;
        await misses(origin, `203.0.113.${visitors}`);
        return misses(origin, `203.0.113.${visitors + 1}`);
      };
      for (const origin of [embedded, url])
        await expect.poll(() => leftForAnother(origin), { timeout: 20_000 }).toBeGreaterThanOrEqual(10);
      await cluster.waitForCondition(zero, "Ready", "True");
    });

    it.each([
      [
        "read Secrets of the operator",
        "GET",
        "/api/v1/namespaces/catalyst-system/secrets/catalyst-operator-key",
      ],
      ["list Secrets", "GET", "/api/v1/secrets"],
      [
        "delete the policy that guards admission",
        "DELETE",
        `${ADMISSION}/validatingadmissionpolicies/${POLICY}`,
      ],
      ["unbind it", "DELETE", `${ADMISSION}/validatingadmissionpolicybindings/${POLICY}`],
      [
        "delete the webhook configuration",
        "DELETE",
        `${ADMISSION}/validatingwebhookconfigurations/catalyst-operator`,
      ],
      ["delete all webhook configurations", "DELETE", `${ADMISSION}/validatingwebhookconfigurations`],
      [
        "get the operator's token",
        "POST",
        "/api/v1/namespaces/catalyst-system/serviceaccounts/catalyst-operator/token",
      ],
    ] as const)("does not let the Franchisee %s", async (_, method, path) => {
      const answer = await api.send({
        method,
        path,
        as: "omantel-admin",
        ...(method === "POST" ? { body: {} } : {}),
      });
      expect(answer.status, JSON.stringify(answer.body)).toBe(403);
    });

    it.each(["impersonate users", "bind clusterroles", "escalate clusterroles"])(
      "does not let the Franchisee %s",
      async (words) => {
        const [verb, resource] = words.split(" ");
        const group = resource === "users" ? "" : "rbac.authorization.k8s.io";
        const review = { spec: { resourceAttributes: { verb, resource, group } } };
        const answer = await api.send({
          method: "POST",
          path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
          as: "omantel-admin",
          body: review,
        });
        expect(answer.body).toMatchObject({ status: { allowed: false } });
      },
    );

    it("puts back the webhook configuration that a platform identity deletes, and says so everywhere", async () => {
      const configuration: ObjectReference = {
        kind: "ValidatingWebhookConfiguration",
        name: "catalyst-operator",
      };
      const before = await cluster.mustGet<KubernetesObject>(configuration);
      expect((await cluster.asAdmin().remove(configuration)).kind).toBe("accepted");
      await cluster.waitUntil(
        configuration,
        "it is back",
        ({ metadata }) => metadata.uid !== before.metadata.uid,
      );
      const event = await cluster.waitForEvent(configuration, "WebhookConfigurationRestored");
      expect(event.message).toContain(
        "Another client deleted the webhook configuration; the operator put it back",
      );
      const [pod] = (await cluster.list("Pod", "catalyst-system")) as unknown as {
        status: { podIP: string };
      }[];
      const metrics = await (await fetch(`http://${pod?.status.podIP}:8080/metrics`)).text();
      expect(metrics).toContain("catalyst_webhook_configuration_restored_total 1");
      const logs = join(stateDir, "logs");
      const operatorLog =
        readdirSync(logs).find((file) => file.startsWith("catalyst-system_catalyst-operator")) ?? "";
      expect(readFileSync(join(logs, operatorLog), "utf8")).toContain(
        "Another client deleted the webhook configuration",
      );
    });

    it.each([
      [
        "a variable",
        {
          spec: {
            template: { spec: { containers: [{ name: "billing", env: [{ name: "EXTRA", value: "1" }] }] } },
          },
        },
      ],
      ["a host network", { spec: { template: { spec: { hostNetwork: true } } } }],
      ["another number of replicas", { spec: { replicas: 1 } }],
    ])("takes back %s that a platform identity adds to the Deployment", async (_, patch) => {
      const before = canonicalJson(specOf(await cluster.mustGet(DEPLOYMENT)));
      expect((await cluster.asAdmin().strategicPatch(DEPLOYMENT, patch)).kind).toBe("accepted");
      await cluster.waitUntil(
        DEPLOYMENT,
        "its spec is as before",
        (object) => canonicalJson(specOf(object)) === before,
      );
      await ready();
    });

    it("brings back a Service that somebody deletes, and says so", async () => {
      const service: ObjectReference = { kind: "Service", name: "billing", namespace: "sovereign-omantel" };
      expect((await cluster.asAdmin().remove(service)).kind).toBe("accepted");
      const words = async () => (await cluster.list("Event")).map((event) => JSON.stringify(event)).join();
      await expect.poll(words, { timeout: 20_000 }).toContain("Service billing: deleted");
      await cluster.waitUntil(service, "it is back", () => true);
      await ready();
    });

    it("suspends: a hand edit stays until the Sovereign goes on", async () => {
      const admin = cluster.asAdmin();
      await admin.mergePatch(SELF, { spec: { suspend: true } });
      await cluster.waitUntil(SELF, "Ready is Unknown", (object) =>
        JSON.stringify(object).includes('"reason":"Suspended"'),
      );
      await admin.mergePatch(DEPLOYMENT, { spec: { replicas: 3 } });
      await sleep(500);
      expect(specOf(await cluster.mustGet(DEPLOYMENT))).toMatchObject({ replicas: 3 });
      await admin.mergePatch(SELF, { spec: { suspend: false } });
      await cluster.waitUntil(DEPLOYMENT, "two replicas again", (object) => specOf(object).replicas === 2);
      await ready();
    });

    it("goes on after kill -9 of the operator", async () => {
      killOperator(playground);
      await cluster
        .asAdmin()
        .mergePatch(SELF, { spec: { addons: [{ id: "backup", name: "Nightly backup", priceBaisa: 2500 }] } });
      await cluster.waitUntil(
        { kind: "ConfigMap", name: "billing-config", namespace: "sovereign-omantel" },
        "the new add-on is written",
        (object) => JSON.stringify(object).includes("2500"),
      );
      await ready();
    });

    it("moves no money twice when billing is killed during a checkout", async () => {
      const { url, adminToken, customerToken } = omantel();
      const post = (path: string, token: string, body: object, key?: string) =>
        fetch(`${url}${path}`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${token}`,
            "content-type": "application/json",
            ...(key === undefined ? {} : { "idempotency-key": key }),
          },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(10_000),
        });
      const code = `KILL-${Date.now().toString(36).toUpperCase()}`;
      expect(
        (await post("/billing/vouchers/issue", adminToken, { code, credit_omr: 50, max_redemptions: 5 }))
          .status,
      ).toBe(200);
      const checkout = {
        plan_id: "starter",
        apps: [],
        addons: [],
        tenant_id: `kill-${code.toLowerCase()}`,
        promo_code: code,
      };
      const underWay = Array.from({ length: 8 }, () =>
        post("/billing/checkout", customerToken, checkout, code).catch(() => undefined),
      );
      await sleep(3);
      for (const pid of processesWith("main.ts billing").filter((it) => isOurs(it, playground)))
        process.kill(pid, "SIGKILL");
      await Promise.all(underWay);
      await ready();
      await expect
        .poll(
          () =>
            post("/billing/checkout", customerToken, checkout, code).then(
              ({ status }) => status,
              () => 0,
            ),
          { timeout: 20_000 },
        )
        .toBe(200);
      const edges = await query(`SELECT 1 FROM promo_redemptions WHERE code = '${code}'`);
      const orders = await query(`SELECT 1 FROM orders WHERE promo_code = '${code}'`);
      const counter = await query<{ times_redeemed: number }>(
        `SELECT times_redeemed FROM promo_codes WHERE code = '${code}'`,
      );
      expect([edges.length, orders.length, counter[0]?.times_redeemed]).toEqual([1, 1, 1]);
    });

    it("keeps the database when a Sovereign is deleted, and migrates once when it comes back", async () => {
      const orders = (await query("SELECT 1 FROM orders")).length;
      const manifest = await removeSovereign();
      expect((await query("SELECT 1 FROM orders")).length).toBe(orders);
      await cluster.asAdmin().mustApply(manifest);
      await ready();
      expect((await cluster.list("Job", "sovereign-omantel")).length).toBe(1);
      expect(await migrationsOf()).toEqual(MIGRATIONS.map(({ name }) => name));
      expect(migrationRuns(stateDir, "omantel")).toEqual(eachRan(1));
      expect((await query("SELECT 1 FROM orders")).length).toBe(orders);
    });

    it("runs one migration though the operator is killed in the middle of it", async () => {
      const manifest = await removeSovereign();
      const gate = new pg.Client({ connectionString: omantel().databaseUrl });
      await gate.connect();
      try {
        await gate.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        await gate.query("SELECT pg_advisory_lock($1)", [ADVISORY_LOCK]);
        await cluster.asAdmin().mustApply(manifest);
        const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        await expect.poll(() => query(waiting), { timeout: 20_000 }).toHaveLength(1);
        const killed = killOperator(playground);
        await expect
          .poll(() => operatorsOf(playground).filter((pid) => pid !== killed), { timeout: 20_000 })
          .toHaveLength(1);
      } finally {
        await gate.end();
      }
      await ready();
      expect((await cluster.list("Job", "sovereign-omantel")).length).toBe(1);
      const pods = await cluster.list("Pod", "sovereign-omantel", "app.kubernetes.io/name=billing-migrate");
      expect(pods.length).toBe(1);
      expect(await migrationsOf()).toEqual(MIGRATIONS.map(({ name }) => name));
      // Once on the schema that was dropped, once on the new one.
      expect(migrationRuns(stateDir, "omantel")).toEqual(eachRan(2));
    });

    it("leaves no process and no file after Ctrl-C", async () => {
      expect(await playground.interrupt()).toBe(0);
      expect(existsSync(stateDir)).toBe(false);
      expect(processesWith(stateDir)).toEqual([]);
    });
  });
}

function specOf(object: unknown): { replicas?: number } {
  return (object as { spec: { replicas?: number } }).spec;
}
