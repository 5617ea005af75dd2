import type { Server } from "node:https";
import { createCertificateKeeper } from "../admission/certificate-keeper.ts";
import { createDenialReport, type DenialReport } from "../admission/denial-report.ts";
import { createEnforcer } from "../admission/enforcement.ts";
import { type ClusterLookups, createFactCollector } from "../admission/fact-collector.ts";
import { createReviewer } from "../admission/review.ts";
import { createWebhookHandler } from "../admission/routes.ts";
import type { IdentityLists } from "../admission/rules/identity.ts";
import type { ArtifactCheck } from "../admission/trust-policy.ts";
import { desiredWebhookConfiguration } from "../admission/webhook-configuration.ts";
import { SYSTEM_NAMESPACE, WEBHOOK_SERVICE } from "../api/name.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { NAMESPACES, OCI_REPOSITORIES } from "../kube/resource.ts";
import { MIN_TLS_VERSION, type RunningHttpServer, startHttpServer } from "../platform/http-server.ts";
import type { Logger } from "../platform/log.ts";
import type { Registry } from "../platform/metrics.ts";
import type { OperatorCaches } from "./cache.ts";
import { createCertificateStore, createPublishedAuthorities } from "./certificate-store.ts";
import type { OperatorSettings } from "./settings.ts";
import { AUDIT_ONLY, createRestorationReport, type RestorationReport } from "./webhook-restoration.ts";

export interface Webhook {
  server: RunningHttpServer;
  /** Whether the CA of its certificate is published, so that API servers trust it. */
  isPublished(): boolean;
  /** Keeps the certificate valid until the signal fires. */
  maintain(signal: AbortSignal): void;
  /** The webhook configuration for the leader to apply. */
  desired(): KubernetesObject;
  /** Calls the handler when the desired configuration changes. */
  onDesired(handler: () => void, signal: AbortSignal): void;
  restoration: RestorationReport;
  /** What passed because enforcement is Audit. */
  denials: DenialReport;
}

/** The host names that API servers may use: those of the Service, and that of the configured URL. */
function certificateNames(webhookUrl: string | undefined): string[] {
  const service = ["", ".cluster.local"].map(
    (suffix) => `${WEBHOOK_SERVICE}.${SYSTEM_NAMESPACE}.svc${suffix}`,
  );
  return webhookUrl === undefined ? service : [...service, new URL(webhookUrl).hostname];
}

function createLookups(client: KubeClient, caches: OperatorCaches): ClusterLookups {
  const labelsOf = (namespace: KubernetesObject | undefined) =>
    namespace === undefined ? undefined : { ...namespace.metadata.labels };
  return {
    franchises: () => caches.franchises.list(),
    organization: (name) => caches.organizations.get(name),
    organizationsBy: (index, key) => caches.organizations.byIndex(index, key),
    sovereigns: () => caches.sovereigns.list(),
    blueprints: () => caches.blueprints.list(),
    namespaceLabels: (name) => labelsOf(caches.namespaces.get(name)),
    readOciRepository: async (key) => {
      for (const resource of OCI_REPOSITORIES) {
        const found = await client.get<KubernetesObject>(resource, key);
        if (found !== undefined) return { ...found };
      }
      return undefined;
    },
    readNamespaceLabels: async (name) => labelsOf(await client.get<KubernetesObject>(NAMESPACES, { name })),
  };
}

export async function startWebhook(deps: {
  client: KubeClient;
  caches: OperatorCaches;
  settings: Pick<OperatorSettings, "host" | "webhookPort" | "webhookUrl" | "enforcement" | "docsUrl">;
  checkArtifact: ArtifactCheck;
  identities: IdentityLists;
  registry: Registry;
  logger: Logger;
  now: () => Date;
  /** As in `CertificateKeeperDeps`. */
  settleMs?: number;
}): Promise<Webhook> {
  const { client, caches, settings, logger, registry, now, settleMs } = deps;
  const keeper = await createCertificateKeeper({
    store: createCertificateStore(client, caches.webhookSecrets),
    published: createPublishedAuthorities(caches.webhookConfigurations),
    names: certificateNames(settings.webhookUrl),
    logger,
    now,
    ...(settleMs === undefined ? {} : { settleMs }),
  });
  const denials = createDenialReport();
  if (settings.enforcement === "Audit") logger.warn(AUDIT_ONLY);
  const review = createReviewer({
    enforce: createEnforcer({ enforcement: settings.enforcement, report: denials, registry, now }),
    checkArtifact: deps.checkArtifact,
    collectFacts: createFactCollector({
      lookups: createLookups(client, caches),
      lists: deps.identities,
      now,
    }),
  });
  const server = await startHttpServer({
    handler: createWebhookHandler({ review, docsUrl: settings.docsUrl, logger, registry }),
    host: settings.host,
    port: settings.webhookPort,
    tls: keeper.serving(),
  });
  keeper.onServe((pair) =>
    (server.server as Server).setSecureContext({ ...pair, minVersion: MIN_TLS_VERSION }),
  );

  return {
    server,
    isPublished: keeper.isPublished,
    maintain: keeper.maintain,
    desired: () =>
      desiredWebhookConfiguration(
        { caBundle: keeper.caBundle(), url: settings.webhookUrl },
        deps.identities,
        settings.enforcement,
      ),
    onDesired: keeper.onBundle,
    denials,
    restoration: createRestorationReport({ enforcement: settings.enforcement, registry, logger }),
  };
}
