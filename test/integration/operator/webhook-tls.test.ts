import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { authoritiesOf } from "../../../src/admission/certificate/bundle.ts";
import { issueCertificates } from "../../../src/admission/certificate/certificate.ts";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { desiredWebhookConfiguration } from "../../../src/admission/webhook-configuration.ts";
import { FIELD_MANAGER } from "../../../src/api/name.ts";
import { SECRETS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../../src/kube/resource.ts";
import { createWebhookTls, type TlsSettings } from "../../../src/operator/webhook-tls.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { type OperatorCluster, startOperatorCluster } from "../../support/server/operator-cluster.ts";
import { eventually } from "../../support/wait.ts";

const SERVICE = "catalyst-operator-webhook.catalyst-system.svc";

let cluster: OperatorCluster;
let folder: string;
let stop: AbortController;

beforeAll(async () => {
  cluster = await startOperatorCluster("webhook-tls-test");
});
afterAll(() => cluster?.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catalyst-webhook-tls-"));
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await rm(folder, { recursive: true });
});

function create(settings: Partial<TlsSettings>) {
  const { client, caches } = cluster;
  return createWebhookTls({
    ...{ client, caches, logger: createLogger("test", "silent"), now: () => new Date(), pollMs: 20 },
    ...{ settleMs: 50 },
    settings: {
      ...{ webhookUrl: undefined, webhookClientCaFile: undefined },
      ...{ webhookCertDir: undefined, webhookCertSecret: undefined },
      ...settings,
    },
  });
}

/** Writes the files of a serving certificate into the folder. Returns its PEM texts. */
async function mount(host: string, { withCa }: { withCa: boolean }) {
  const issued = await issueCertificates([host], new Date());
  await writeFile(join(folder, "tls.crt"), issued.certificate);
  await writeFile(join(folder, "tls.key"), issued.key);
  if (withCa) await writeFile(join(folder, "ca.crt"), issued.caCertificate);
  return issued;
}

async function authority(): Promise<string> {
  const { caCertificate } = await issueCertificates(["clients"], new Date());
  return caCertificate;
}

describe("createWebhookTls", () => {
  it.each<[string, string | undefined, string]>([
    ["the Service", undefined, SERVICE],
    ["the configured URL", "https://webhook.example:9443", "webhook.example"],
    ["the address in the configured URL", "https://[2001:db8::1]:9443", "2001:db8::1"],
  ])("serves the certificate in the files when it names %s", async (_, webhookUrl, host) => {
    const { certificate } = await mount(host, { withCa: true });
    const tls = await create({ webhookUrl, webhookCertDir: folder });
    expect(tls.current()).toMatchObject({ cert: certificate, ca: undefined });
  });

  it("issues one certificate for an IPv6 address in the configured URL, and keeps it", async () => {
    const settings = { webhookUrl: "https://[2001:db8::1]:9443" };
    const { cert } = (await create(settings)).current();
    expect(new X509Certificate(cert).checkIP("2001:db8::1")).toBeDefined();
    expect((await create(settings)).current().cert).toBe(cert);
  });

  it("refuses a certificate whose Secret lacks the CA that issued it", async () => {
    await mount(SERVICE, { withCa: false });
    await expect(create({ webhookCertDir: folder })).rejects.toThrow(
      "ca.crt does not hold the CA that issued tls.crt: add it, so that API servers trust tls.crt",
    );
  });

  it("serves the certificate of a Secret in another namespace, and its successor", async () => {
    const key = { namespace: "issuer", name: "webhook" };
    const settings = { webhookCertSecret: key };
    await expect(create(settings)).rejects.toThrow("Secret issuer/webhook does not exist");
    await cluster.createNamespace("issuer");
    const write = async () => {
      const { certificate, key: tlsKey, caCertificate } = await issueCertificates([SERVICE], new Date());
      const files = { "tls.crt": certificate, "tls.key": tlsKey, "ca.crt": caCertificate };
      const data = Object.fromEntries(
        Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString("base64")]),
      );
      const secret = { apiVersion: "v1", kind: "Secret", metadata: key, data };
      await cluster.client.apply(SECRETS, secret, { fieldManager: "issuer" });
      return { certificate, caCertificate };
    };
    const first = await write();
    const tls = await create(settings);
    expect(tls.current().cert).toBe(first.certificate);
    tls.maintain(stop.signal);
    const second = await write();
    // It is served once the leader has published its CA.
    await eventually(() =>
      expect(authoritiesOf(tls.caBundle()).map(String)).toEqual(
        expect.arrayContaining(
          [first, second].flatMap(({ caCertificate }) => authoritiesOf(caCertificate).map(String)),
        ),
      ),
    );
    const endpoint = { caBundle: tls.caBundle(), url: undefined };
    await cluster.client.apply(
      VALIDATING_WEBHOOK_CONFIGURATIONS,
      desiredWebhookConfiguration(endpoint, identityLists()),
      { fieldManager: FIELD_MANAGER },
    );
    await eventually(() => expect(tls.current().cert).toBe(second.certificate));
    await cluster.client.delete(VALIDATING_WEBHOOK_CONFIGURATIONS, { name: "catalyst-operator" });
  });

  it("refuses a Secret without a certificate", async () => {
    await cluster.writeSecret("default", "empty", "other", "x");
    await expect(create({ webhookCertSecret: { namespace: "default", name: "empty" } })).rejects.toThrow(
      "tls.crt",
    );
  });

  it("refuses a client CA file without a certificate", async () => {
    const file = join(folder, "clients.crt");
    await writeFile(file, "none");
    await expect(create({ webhookClientCaFile: file })).rejects.toThrow(
      `--webhook-client-ca-file ${file} has no certificate: write the CA as PEM`,
    );
  });

  it("accepts clients of a new CA, and keeps the last CA while the file is unreadable", async () => {
    const file = join(folder, "clients.crt");
    const [first, second] = [await authority(), await authority()];
    await writeFile(file, first);
    const tls = await create({ webhookClientCaFile: file });
    expect(tls.current().ca).toBe(first);
    const published: (string | undefined)[] = [];
    tls.onChange(({ ca }) => void published.push(ca));
    tls.maintain(stop.signal);
    await writeFile(file, "none");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(tls.current().ca).toBe(first);
    await writeFile(file, second);
    await eventually(() => expect(published.at(-1)).toBe(second));
    expect(tls.current().ca).toBe(second);
  });
});
