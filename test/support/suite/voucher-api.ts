import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { LABEL, MANAGED_BY } from "../../../src/api/label.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { SOVEREIGN } from "../../../src/api/sovereign.ts";
import { readOperatorSettings } from "../../../src/cli/operator-flag.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { CONFIG_MAPS, NAMESPACES, resourceOf, SECRETS } from "../../../src/kube/resource.ts";
import { createCaches } from "../../../src/operator/cache.ts";
import { startVoucherApi } from "../../../src/operator/voucher-api.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { ask, CATALOG, JWT_SECRET, type Question, signToken } from "../builder/billing.ts";
import { condition, sovereign } from "../builder/catalyst-object.ts";
import { startTestControlPlane, type TestControlPlane } from "../server/kube-apiserver.ts";
import { createTestDatabase, type TestDatabase } from "../server/postgres.ts";
import { prepareCluster } from "../server/webhook-replica.ts";
import { eventually } from "../wait.ts";

type ConfigMap = KubernetesObject & { data: Record<string, string> };

const NAMESPACE = "sovereign-zero";
export const CONFIG_MAP = { name: "billing-config", namespace: NAMESPACE };
const GOOD = {
  "grants.json": JSON.stringify({ maxActive: 100 }),
  "branding.json": JSON.stringify({ displayName: "Muscat Cloud" }),
  "catalog.json": JSON.stringify(CATALOG),
  "operator-jwks.json": JSON.stringify({ keys: [] }),
};

const stop = new AbortController();
let plane: TestControlPlane;
export let client: KubeClient;
export let database: TestDatabase;
export let caches: ReturnType<typeof createCaches>;
let api: Awaited<ReturnType<typeof startVoucherApi>>;
export let admin: string;

/** One embedded voucher API for each test file. Each test starts with good files. */
export function useVoucherApi(): void {
  beforeAll(async () => {
    plane = await startTestControlPlane("embedded");
    client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "voucher-api-test" });
    database = await createTestDatabase();
    await prepareCluster(client);
    const secret = (name: string, key: string, value: string) =>
      client.create(SECRETS, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name, namespace: NAMESPACE },
        data: { [key]: Buffer.from(value).toString("base64") },
      } as KubernetesObject);
    await client.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
    await secret("billing-db", "uri", database.url);
    await secret("billing-jwt", "secret", JWT_SECRET);
    const { uid: _uid, generation: _generation, ...metadata } = sovereign("zero").metadata;
    const zero = { ...sovereign("zero", { role: "CatalystZero" }), metadata };
    const created = await client.create(resourceOf(SOVEREIGN), zero);
    const status = { conditions: [condition("Migrated", "True")] };
    await client.replace(resourceOf(SOVEREIGN), { ...created, status }, "status");
    await client.create(CONFIG_MAPS, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { ...CONFIG_MAP, labels: { [LABEL.managedBy]: MANAGED_BY.operator } },
      data: GOOD,
    } as KubernetesObject);

    const logger = createLogger("test", "silent");
    caches = createCaches({ client, logger });
    void caches.run(stop.signal);
    await caches.synced();
    api = await startVoucherApi({
      client,
      caches,
      settings: readOperatorSettings([], { HOST: "127.0.0.1", VOUCHER_API_PORT: "0" }),
      relay: {
        notice: async (fqdn) => {
          notices.push(fqdn);
          return answer;
        },
      },
      logger,
      now: () => new Date(),
      signal: stop.signal,
    });
    admin = await signToken("admin", "sovereign-admin");
    await eventually(async () => expect((await to("/readyz")).status).toBe(200));
  });

  afterAll(async () => {
    await api?.server.close(0);
    stop.abort();
    await api?.stopped;
    await client?.close();
    await plane?.close();
    await database?.drop();
  });

  beforeEach(async () => {
    for (const [file, text] of Object.entries(GOOD)) await write(file as keyof typeof GOOD, text);
  });
}

/** The Sovereigns for which the API asked the relay to deliver. */
export const notices: string[] = [];
/** The relay's answer to a notice. */
let answer: boolean | undefined = true;

export function setNoticeAnswer(outcome: boolean | undefined): void {
  answer = outcome;
}

export const to = (path: string, question?: Question) => ask(api.server.origin, path, question);
export const issue = (code: string) =>
  to("/billing/vouchers/issue", { token: admin, body: { code, credit_omr: 25, max_redemptions: 5 } });

/** Writes the file, and waits until the operator has read it. */
export async function write(file: keyof typeof GOOD, text: string): Promise<void> {
  await client.mergePatch(CONFIG_MAPS, CONFIG_MAP, { data: { [file]: text } });
  const configMaps = caches.others.find(({ resource }) => resource.kind === "ConfigMap");
  const cached = () => configMaps?.get(`${NAMESPACE}/${CONFIG_MAP.name}`) as ConfigMap | undefined;
  await eventually(() => expect(cached()?.data[file]).toBe(text));
}
