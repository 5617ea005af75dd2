import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { authoritiesOf } from "../admission/certificate/bundle.ts";
import { type CertificateFiles, createCertificateFiles } from "../admission/certificate/file.ts";
import { createCertificateIssuer } from "../admission/certificate/issuer.ts";
import {
  type CertificateRotator,
  type CertificateRotatorDeps,
  createCertificateRotator,
} from "../admission/certificate/rotator.ts";
import { SYSTEM_NAMESPACE, WEBHOOK_SERVICE } from "../api/name.ts";
import { type SecretObject, secretValue } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { SECRETS } from "../kube/resource.ts";
import { UsageError } from "../platform/errors.ts";
import type { TlsOptions } from "../platform/http-server.ts";
import type { OperatorCaches } from "./cache.ts";
import { createCertificateStore, createPublishedAuthorities } from "./certificate-store.ts";
import type { OperatorSettings } from "./settings.ts";

const SERVICE_HOST = `${WEBHOOK_SERVICE}.${SYSTEM_NAMESPACE}.svc`;
const POLL_MS = 10_000;

/** Each read of a Secret is a request. Certificates are renewed weeks before they end, so a minute is often enough. */
const SECRET_POLL_MS = 60_000;

export type TlsSettings = Pick<
  OperatorSettings,
  "webhookUrl" | "webhookCertDir" | "webhookCertSecret" | "webhookClientCaFile"
>;

/** The certificates of the webhook's server: its own, and the CA of its clients. */
export interface WebhookTls
  extends Pick<CertificateRotator, "caBundle" | "isPublished" | "onBundle" | "maintain"> {
  current(): TlsOptions;
  /** Called with each new set of certificates. */
  onChange(handler: (tls: TlsOptions) => void): void;
}

export async function createWebhookTls(
  deps: Pick<CertificateRotatorDeps, "logger" | "now" | "settleMs"> & {
    client: KubeClient;
    caches: Pick<OperatorCaches, "webhookSecrets" | "webhookConfigurations">;
    settings: TlsSettings;
    pollMs?: number;
  },
): Promise<WebhookTls> {
  const { client, caches, settings, logger, now, settleMs, pollMs = POLL_MS } = deps;
  const { webhookUrl, webhookClientCaFile } = settings;
  const published = createPublishedAuthorities(caches.webhookConfigurations);
  const given = givenCertificates(client, settings);
  const source =
    given === undefined
      ? createCertificateIssuer({
          store: createCertificateStore(client, caches.webhookSecrets),
          published,
          names: issuedNames(webhookUrl),
          now,
        })
      : createCertificateFiles({
          read: given.read,
          published,
          names: [webhookUrl === undefined ? SERVICE_HOST : hostOf(webhookUrl)],
          ...{ now, pollMs: deps.pollMs ?? given.pollMs },
        });
  const rotator = await createCertificateRotator({
    ...{ source, published, logger, now },
    ...(settleMs === undefined ? {} : { settleMs }),
  });
  let clientCa = webhookClientCaFile === undefined ? undefined : await readClientCa(webhookClientCaFile);
  const handlers = new Set<(tls: TlsOptions) => void>();
  const current = () => ({ ...rotator.serving(), ca: clientCa });
  const notifyAll = (tls: TlsOptions) => {
    for (const handler of handlers) handler(tls);
  };
  rotator.onServe((pair) => notifyAll({ ...pair, ca: clientCa }));

  /** An unreadable file leaves the last CA in force. */
  async function pollClientCa(path: string): Promise<void> {
    const next = await readClientCa(path).catch(() => clientCa);
    if (next === clientCa) return;
    clientCa = next;
    logger.info("the webhook now accepts client certificates of a new CA");
    notifyAll(current());
  }

  return {
    caBundle: rotator.caBundle,
    isPublished: rotator.isPublished,
    onBundle: rotator.onBundle,
    current,
    onChange: (handler) => void handlers.add(handler),
    maintain(signal) {
      rotator.maintain(signal);
      if (webhookClientCaFile === undefined) return;
      const timer = setInterval(() => void pollClientCa(webhookClientCaFile), pollMs);
      signal.addEventListener("abort", () => clearInterval(timer), { once: true });
    },
  };
}

/** The host names under which API servers may call the webhook: those of the Service, and that of the configured URL. */
function issuedNames(webhookUrl: string | undefined): string[] {
  const service = [SERVICE_HOST, `${SERVICE_HOST}.cluster.local`];
  return webhookUrl === undefined ? service : [...service, hostOf(webhookUrl)];
}

/** The host name or address. A URL writes an IPv6 address in brackets, a certificate does not. */
const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[(.*)\]$/, "$1");

/** The place of a certificate that others provide; undefined: the operator makes it. */
function givenCertificates(
  client: KubeClient,
  { webhookCertDir, webhookCertSecret }: TlsSettings,
): { read: () => Promise<CertificateFiles>; pollMs: number } | undefined {
  if (webhookCertSecret !== undefined)
    return { read: () => readCertificateSecret(client, webhookCertSecret), pollMs: SECRET_POLL_MS };
  if (webhookCertDir !== undefined) return { read: () => readCertificates(webhookCertDir), pollMs: POLL_MS };
  return undefined;
}

async function readCertificateSecret(
  client: KubeClient,
  key: { namespace: string; name: string },
): Promise<CertificateFiles> {
  const secret = await client.get<SecretObject>(SECRETS, key);
  if (secret === undefined)
    throw new UsageError(
      `--webhook-cert-secret: Secret ${key.namespace}/${key.name} does not exist: wait until cert-manager has issued it, or create it`,
    );
  const read = (name: string) => secretValue(secret, name) ?? "";
  return { certificate: read("tls.crt"), key: read("tls.key"), authority: read("ca.crt") };
}

async function readCertificates(folder: string): Promise<CertificateFiles> {
  const read = (name: string) => readFile(join(folder, name), "utf8");
  const [certificate, key, authority] = await Promise.all([
    read("tls.crt"),
    read("tls.key"),
    // A Secret of type kubernetes.io/tls may lack it.
    read("ca.crt").catch(() => ""),
  ]);
  return { certificate, key, authority };
}

async function readClientCa(path: string): Promise<string> {
  const text = await readFile(path, "utf8");
  if (authoritiesOf(text).length === 0)
    throw new UsageError(`--webhook-client-ca-file ${path} has no certificate: write the CA as PEM`);
  return text;
}
