import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { authoritiesOf } from "../../../src/admission/certificate/bundle.ts";
import {
  issueCertificates,
  type ServingCertificates,
} from "../../../src/admission/certificate/certificate.ts";
import { SYSTEM_NAMESPACE, WEBHOOK_CONFIGURATION, WEBHOOK_TLS_SECRET } from "../../../src/api/name.ts";
import type { SecretObject } from "../../../src/api/object.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { createInformer } from "../../../src/kube/informer.ts";
import { SECRETS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../../src/kube/resource.ts";
import { createCertificateStore } from "../../../src/operator/certificate-store.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { startTestControlPlane, type TestControlPlane } from "../../support/server/kube-apiserver.ts";
import {
  connectForever,
  prepareCluster,
  publishedBundle,
  startWebhookReplica,
  WEBHOOK_HOST,
  type WebhookReplica,
} from "../../support/server/webhook-replica.ts";
import { eventually } from "../../support/wait.ts";

const SECRET = { name: WEBHOOK_TLS_SECRET, namespace: SYSTEM_NAMESPACE };
const NAMES = [WEBHOOK_HOST, `${WEBHOOK_HOST}.cluster.local`];
const DAY_MS = 24 * 60 * 60 * 1000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);
/** API servers receive a bundle this late. A CA is published for longer than that before it is used. */
const [LAG_MS, SETTLE_MS] = [200, 500];

let plane: TestControlPlane;
let client: KubeClient;
let clients: KubeClient[];
let stop: AbortController;
let replicas: WebhookReplica[];

beforeAll(async () => {
  plane = await startTestControlPlane("embedded");
  client = connect();
  await prepareCluster(client);
});
afterAll(async () => {
  await client.close();
  await plane.close();
});
beforeEach(() => {
  clients = [];
  stop = new AbortController();
  replicas = [];
});
afterEach(async () => {
  stop.abort();
  for (const { webhook } of replicas) await webhook.server.close(0);
  await Promise.all(clients.map((it) => it.close()));
  await client.delete(SECRETS, SECRET);
  await client.delete(VALIDATING_WEBHOOK_CONFIGURATIONS, { name: WEBHOOK_CONFIGURATION });
});

const connect = () => createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "certificate-test" });

/**
 * Each replica has its own client, as a process has, because the watches of three replicas use all connections of one
 * client.
 */
async function start(leads: boolean, env: Record<string, string> = {}): Promise<WebhookReplica> {
  const options = { leads, settleMs: SETTLE_MS, signal: stop.signal, env };
  const own = connect();
  clients.push(own);
  const replica = await startWebhookReplica(own, options);
  replicas.push(replica);
  return replica;
}

async function startTwo(): Promise<void> {
  await start(true);
  await start(false);
  await eventually(() =>
    expect(replicas.map(({ webhook }) => webhook.unreadyReason())).toEqual(replicas.map(() => undefined)),
  );
}

const store = () =>
  createCertificateStore(
    client,
    createInformer<SecretObject>({ client, logger: createLogger("test", "silent") }, SECRETS),
  );

/** Replaces the stored certificates, like a person who restores a backup. */
async function replaceSecret(certificates: ServingCertificates): Promise<void> {
  const { version } = await store().read();
  expect(await store().write(certificates, version)).toBe(true);
}

const servedByAll = async () => new Set(await Promise.all(replicas.map(({ served }) => served())));

describe("the webhook's certificate", () => {
  it("shares one certificate between all replicas, and the leader publishes its CA", async () => {
    const follower = await start(false);
    expect(follower.webhook.unreadyReason()).toBe("the CA of the webhook's certificate is not published");
    expect(await publishedBundle(client)).toBe("");
    await start(true);
    await eventually(() =>
      expect(replicas.map(({ webhook }) => webhook.unreadyReason())).toEqual(replicas.map(() => undefined)),
    );
    expect((await servedByAll()).size).toBe(1);
    expect(authoritiesOf(await publishedBundle(client))).toHaveLength(1);
  });

  it("shares one certificate between replicas that start at once", async () => {
    await Promise.all([start(true), start(false), start(false)]);
    await eventually(async () => expect((await servedByAll()).size).toBe(1));
  });

  const garbage = Object.fromEntries(
    ["ca.crt", "ca.key", "ca-bundle.crt", "tls.crt", "tls.key"].map((file) => [
      file,
      Buffer.from("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n").toString("base64"),
    ]),
  );
  it.each<[string, () => Promise<unknown>]>([
    ["its Secret is deleted", () => client.delete(SECRETS, SECRET)],
    ["its Secret holds garbage", () => client.mergePatch(SECRETS, SECRET, { data: garbage })],
    ["its Secret loses a part", () => client.mergePatch(SECRETS, SECRET, { data: { "tls.key": null } })],
    ["another CA's is restored", async () => replaceSecret(await issueCertificates(NAMES, new Date()))],
    ["it ends soon", async () => replaceSecret(await issueCertificates(NAMES, daysAgo(340)))],
    ["its CA ends soon", async () => replaceSecret(await issueCertificates(NAMES, daysAgo(3_400)))],
    ["it bears other names", async () => replaceSecret(await issueCertificates(["elsewhere"], new Date()))],
  ])("changes the certificate on every replica without a refused handshake when %s", async (_, change) => {
    await startTwo();
    const [before = ""] = await servedByAll();
    const oldAuthority = await publishedBundle(client);
    const impatient = connectForever(client, replicas, LAG_MS);
    await change();
    await eventually(async () =>
      expect([...(await servedByAll())].filter((served) => served !== before).length).toBe(1),
    );
    await eventually(async () => expect((await servedByAll()).size).toBe(1));
    expect(await impatient.stop()).toEqual([]);
    expect(impatient.handshakes()).toBeGreaterThan(5);
    const bundle = authoritiesOf(await publishedBundle(client)).map(String);
    expect(bundle.length).toBeGreaterThanOrEqual(2);
    expect(bundle).toContain(authoritiesOf(oldAuthority).map(String)[0]);
  });

  it("keeps the published CA in the bundle although that CA's key is lost", async () => {
    await startTwo();
    const [old] = authoritiesOf(await publishedBundle(client)).map(String);
    // All replicas have ended, and the Secret is deleted. One replica starts again as a follower, and then leads.
    stop.abort();
    for (const { webhook } of replicas.splice(0)) await webhook.server.close(0);
    stop = new AbortController();
    await client.delete(SECRETS, SECRET);
    const follower = await start(false);
    expect(follower.webhook.unreadyReason()).toBe("the CA of the webhook's certificate is not published");
    await start(true);
    await eventually(() => expect(follower.webhook.unreadyReason()).toBeUndefined());
    const bundle = authoritiesOf(await publishedBundle(client)).map(String);
    expect(bundle).toHaveLength(2);
    expect(bundle[1]).toBe(old);
  });

  it("drops earlier CAs once its own is a day old", async () => {
    const before = await issueCertificates(NAMES, daysAgo(3));
    await store().write(await issueCertificates(NAMES, daysAgo(2), undefined, [before.caBundle]), undefined);
    expect(authoritiesOf((await store().read()).stored.caBundle ?? "")).toHaveLength(2);
    await startTwo();
    expect(authoritiesOf((await store().read()).stored.caBundle ?? "")).toHaveLength(1);
    expect(authoritiesOf(await publishedBundle(client))).toHaveLength(1);
  });

  it("renews the certificate under the same CA while that CA is valid", async () => {
    const old = await issueCertificates(NAMES, daysAgo(340));
    await store().write(old, undefined);
    await startTwo();
    const { stored } = await store().read();
    expect(stored.caCertificate).toBe(old.caCertificate);
    expect(stored.certificate).not.toBe(old.certificate);
  });
});

describe("a certificate from files", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "catalyst-certificate-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Replaces all files at once by a link, as the kubelet does. */
  async function mount(
    name: string,
    { certificate, key, caCertificate }: ServingCertificates,
  ): Promise<void> {
    await mkdir(join(folder, name));
    const files = { "tls.crt": certificate, "tls.key": key, "ca.crt": caCertificate };
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, name, file), text);
    await symlink(name, join(folder, `link-to-${name}`));
    await rename(join(folder, `link-to-${name}`), join(folder, "mounted"));
  }

  it("changes on every replica without a refused handshake, and garbage changes nothing", async () => {
    const env = { WEBHOOK_CERT_DIR: join(folder, "mounted") };
    await mount("first", await issueCertificates([WEBHOOK_HOST], new Date()));
    await start(true, env);
    await start(false, env);
    await eventually(() =>
      expect(replicas.map(({ webhook }) => webhook.unreadyReason())).toEqual(replicas.map(() => undefined)),
    );
    expect(await client.get(SECRETS, SECRET)).toBeUndefined();
    const [before = ""] = await servedByAll();
    const impatient = connectForever(client, replicas, LAG_MS);
    await mount("second", await issueCertificates([WEBHOOK_HOST], new Date()));
    await eventually(async () =>
      expect([...(await servedByAll())].filter((served) => served !== before).length).toBe(1),
    );
    await eventually(async () => expect((await servedByAll()).size).toBe(1));
    const [after = ""] = await servedByAll();
    const garbage = await issueCertificates([WEBHOOK_HOST], new Date());
    await mount("third", { ...garbage, key: "none" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await servedByAll()).toEqual(new Set([after]));
    expect(await impatient.stop()).toEqual([]);
    expect(impatient.handshakes()).toBeGreaterThan(5);
  });

  it("stops the start when it cannot serve", async () => {
    await mount("first", await issueCertificates(["elsewhere"], new Date()));
    await expect(start(true, { WEBHOOK_CERT_DIR: join(folder, "mounted") })).rejects.toThrow(
      `tls.crt lacks the names ${WEBHOOK_HOST}`,
    );
  });
});
