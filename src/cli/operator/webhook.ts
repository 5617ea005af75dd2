import type { Server } from "node:https";
import { isDue, issueCertificates, type ServingCertificates } from "../../admission/certificate.ts";
import { createReviewer } from "../../admission/review.ts";
import { createWebhookHandler } from "../../admission/routes.ts";
import type { PlatformIdentities } from "../../admission/rules/input.ts";
import type { SignatureVerifier } from "../../admission/signature/verifier.ts";
import { NO_TRUST, parseTrust, type Trust } from "../../admission/trust.ts";
import { desiredWebhookConfiguration } from "../../admission/webhook-configuration.ts";
import {
  SYSTEM_NAMESPACE,
  TRUST_CONFIG_MAP,
  TRUST_KEY,
  WEBHOOK_CONFIGURATION,
  WEBHOOK_SERVICE,
  WEBHOOK_TLS_SECRET,
} from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Applier } from "../../kube/apply.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isAlreadyExists, isConflict } from "../../kube/error.ts";
import { SECRETS } from "../../kube/resource.ts";
import { errorMessage } from "../../platform/errors.ts";
import { type RunningHttpServer, startHttpServer } from "../../platform/http-server.ts";
import type { Logger } from "../../platform/log.ts";
import type { Registry } from "../../platform/metrics.ts";
import type { OperatorCaches } from "./cache.ts";
import type { OperatorSettings } from "./flag.ts";

type SecretObject = KubernetesObject & { type?: string; data?: Record<string, string> };

const FILES: Record<keyof ServingCertificates, string> = {
  caBundle: "ca-bundle.crt",
  caCertificate: "ca.crt",
  caKey: "ca.key",
  certificate: "tls.crt",
  key: "tls.key",
};
const CHECK_MS = 60 * 60 * 1000;

export interface Webhook {
  server: RunningHttpServer;
  /** Keeps the certificate valid until the signal fires. */
  maintain(signal: AbortSignal): void;
  /** The configuration as it should be, for the leader to apply. */
  desired(): KubernetesObject;
  applyConfiguration(applier: Applier): Promise<void>;
}

/** The certificates of all replicas: one Secret, made by whoever comes first. */
async function ensureCertificates(
  client: KubeClient,
  settings: OperatorSettings,
  now: Date,
): Promise<ServingCertificates> {
  const names = certificateNames(settings);
  const key = { name: WEBHOOK_TLS_SECRET, namespace: settings.namespace };
  for (;;) {
    const secret = await client.get<SecretObject>(SECRETS, key);
    const current = secret === undefined ? undefined : readCertificates(secret);
    if (current !== undefined && !isDue(current, names, now)) return current;
    const issued = await issueCertificates(names, now, current);
    const desired: SecretObject = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        ...key,
        ...(secret?.metadata.resourceVersion === undefined
          ? {}
          : { resourceVersion: secret.metadata.resourceVersion }),
      },
      type: "Opaque",
      data: Object.fromEntries(
        Object.entries(FILES).map(([name, file]) => [
          file,
          Buffer.from(issued[name as keyof ServingCertificates]).toString("base64"),
        ]),
      ),
    };
    try {
      await (secret === undefined ? client.create(SECRETS, desired) : client.replace(SECRETS, desired));
      return issued;
    } catch (error) {
      // Another replica was faster: what it made counts.
      if (!isAlreadyExists(error) && !isConflict(error)) throw error;
    }
  }
}

function certificateNames({ namespace, webhookUrl }: OperatorSettings): string[] {
  const service = ["", ".cluster.local"].map((suffix) => `${WEBHOOK_SERVICE}.${namespace}.svc${suffix}`);
  return webhookUrl === undefined ? service : [...service, new URL(webhookUrl).hostname];
}

function readCertificates({ data = {} }: SecretObject): ServingCertificates | undefined {
  const entries = Object.entries(FILES).map(([name, file]) => [
    name,
    data[file] === undefined ? undefined : Buffer.from(data[file], "base64").toString(),
  ]);
  return entries.every(([, value]) => value !== undefined)
    ? (Object.fromEntries(entries) as ServingCertificates)
    : undefined;
}

export async function startWebhook(deps: {
  client: KubeClient;
  caches: OperatorCaches;
  settings: OperatorSettings;
  verifier: SignatureVerifier;
  trust: () => Trust;
  platform: PlatformIdentities;
  registry: Registry;
  logger: Logger;
  now: () => Date;
}): Promise<Webhook> {
  const { client, caches, settings, logger, registry, now } = deps;
  let certificates = await ensureCertificates(client, settings, now());
  const review = createReviewer({
    verifier: deps.verifier,
    platform: deps.platform,
    now,
    lookups: {
      franchises: () => caches.franchises.list(),
      organizations: () => caches.organizations.list(),
      blueprints: () => caches.blueprints.list(),
      namespaceLabels: (name) => caches.namespaces.get(name)?.metadata.labels,
      trust: deps.trust,
    },
  });
  const server = await startHttpServer({
    handler: createWebhookHandler({ review, logger, registry }),
    host: settings.host,
    port: settings.webhookPort,
    tls: { key: certificates.key, cert: certificates.certificate },
  });
  const desired = () =>
    desiredWebhookConfiguration({ caBundle: certificates.caBundle, url: settings.webhookUrl }, deps.platform);

  return {
    server,
    desired,
    maintain(signal) {
      const timer = setInterval(async () => {
        try {
          certificates = await ensureCertificates(client, settings, now());
          (server.server as Server).setSecureContext({
            key: certificates.key,
            cert: certificates.certificate,
          });
        } catch (error) {
          logger.warn({ error: errorMessage(error) }, "the webhook's certificate could not be checked");
        }
      }, CHECK_MS);
      signal.addEventListener("abort", () => clearInterval(timer), { once: true });
    },
    async applyConfiguration(applier) {
      await applier.apply(desired(), caches.webhookConfigurations.get(WEBHOOK_CONFIGURATION));
    },
  };
}

/** The platform's trust as the ConfigMap says it now; the last one that could be read while it is broken. */
export function watchTrust(caches: OperatorCaches, logger: Logger): () => Trust {
  let trust = NO_TRUST;
  caches.trust.onChange(({ kind, object }) => {
    if (object.metadata.name !== TRUST_CONFIG_MAP || object.metadata.namespace !== SYSTEM_NAMESPACE) return;
    try {
      trust = kind === "deleted" ? NO_TRUST : parseTrust(object.data?.[TRUST_KEY] ?? "");
      logger.info({ entries: trust.entries.length }, "trust read");
    } catch (error) {
      logger.error(
        { error: errorMessage(error) },
        `ConfigMap ${TRUST_CONFIG_MAP} is broken: the trust before it still holds`,
      );
    }
  });
  return () => trust;
}
