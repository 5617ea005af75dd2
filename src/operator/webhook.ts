import type { SecondAddress } from "../admission/address-fact.ts";
import { requireClientCertificate } from "../admission/certificate/client-certificate.ts";
import { createDenialReport, type DenialReport } from "../admission/denial-report.ts";
import { createEnforcer } from "../admission/enforcement.ts";
import { type ClusterLookups, createFactCollector } from "../admission/fact-collector.ts";
import { createInstallJudge } from "../admission/install-judge.ts";
import { createReviewer } from "../admission/review.ts";
import { createWebhookHandler } from "../admission/routes.ts";
import type { IdentityLists } from "../admission/rules/identity.ts";
import type { ArtifactCheck } from "../admission/trust-policy.ts";
import { desiredWebhookConfiguration } from "../admission/webhook-configuration.ts";
import { WEBHOOK_CONFIGURATION } from "../api/name.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import type { EventRecorder } from "../kube/event.ts";
import { CLUSTER_ROLES, NAMESPACES, OCI_REPOSITORIES, PODS, ROLES, SERVICES } from "../kube/resource.ts";
import { type RunningHttpServer, startHttpServer } from "../platform/http-server.ts";
import type { Logger } from "../platform/log.ts";
import type { Registry } from "../platform/metrics.ts";
import { createAccountNamespaces } from "./account-namespace.ts";
import type { OperatorCaches } from "./cache.ts";
import { createFindingRows, type FindingRows } from "./finding-report.ts";
import { createFindingReport, createInstallLookups } from "./install-judgement.ts";
import type { OperatorSettings } from "./settings.ts";
import { AUDIT_ONLY, createRestorationReport, type RestorationReport } from "./webhook-restoration.ts";
import { createWebhookTls, type TlsSettings } from "./webhook-tls.ts";

export interface Webhook {
  server: RunningHttpServer;
  /** The reason why this replica must receive no requests, or why a rollout must stop at it; undefined when it is ready. */
  unreadyReason(): string | undefined;
  /** Keeps the certificate valid until the signal fires. */
  maintain(signal: AbortSignal): void;
  /** The webhook configuration for the leader to apply. */
  desired(): KubernetesObject;
  /** Calls the handler when the desired configuration changes. */
  onDesired(handler: () => void, signal: AbortSignal): void;
  restoration: RestorationReport;
  /** Requests that passed only because enforcement is Audit. */
  denials: DenialReport;
  /** Installs that broke rules of EnvironmentPolicies. */
  findings: FindingRows;
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
    readPod: (namespace, name) =>
      client.get<KubernetesObject & { spec?: unknown }>(PODS, { namespace, name }),
    readRole: (namespace, name) => client.get(ROLES, { namespace, name }),
    readClusterRole: (name) => client.get(CLUSTER_ROLES, { name }),
    readClusterRoles: async () => (await client.list(CLUSTER_ROLES)).items,
    readServices: async () => (await client.list<KubernetesObject>(SERVICES)).items,
    readPodsAt: async (address) =>
      (
        await client.list<KubernetesObject>(PODS, {
          fieldSelector: `status.podIP=${address}`,
          metadataOnly: true,
        })
      ).items,
    readSecondAddresses: async () => {
      const found: SecondAddress[] = [];
      await client.listPages<KubernetesObject & { status?: { podIPs?: { ip: string }[] } }>(
        PODS,
        {},
        (pods) => {
          for (const { metadata, status } of pods)
            for (const { ip } of status?.podIPs?.slice(1) ?? [])
              found.push({ address: ip, namespace: metadata.namespace ?? "" });
        },
      );
      return found;
    },
  };
}

/** The API server sends a review within milliseconds. It opens another connection only while all others are busy. */
const LIMITS = { requestMs: 10_000, connections: 4_096 };

export async function startWebhook(deps: {
  client: KubeClient;
  caches: OperatorCaches;
  settings: TlsSettings &
    Pick<
      OperatorSettings,
      "host" | "webhookPort" | "enforcement" | "docsUrl" | "webhookClientNames" | "inlineDrivers"
    >;
  checkArtifact: ArtifactCheck;
  identities: IdentityLists;
  events: EventRecorder;
  registry: Registry;
  logger: Logger;
  now: () => Date;
  /** As in `CertificateRotatorDeps`. */
  settleMs?: number;
  /** How often files with certificates are read. */
  pollMs?: number;
}): Promise<Webhook> {
  const { client, caches, settings, logger, registry, now, settleMs, pollMs } = deps;
  const tls = await createWebhookTls({
    ...{ client, caches, settings, logger, now },
    ...(settleMs === undefined ? {} : { settleMs }),
    ...(pollMs === undefined ? {} : { pollMs }),
  });
  const accounts = createAccountNamespaces(caches);
  const denials = createDenialReport();
  const findings = createFindingRows(now);
  if (settings.enforcement === "Audit") logger.warn(AUDIT_ONLY);
  const review = createReviewer({
    enforce: createEnforcer({ enforcement: settings.enforcement, report: denials, registry, now }),
    judgeInstall: createInstallJudge({
      lookups: createInstallLookups(client, caches),
      onFinding: createFindingReport({
        ...{ registry, events: deps.events, policies: caches.policies },
        rows: findings,
      }),
      now,
    }),
    checkArtifact: deps.checkArtifact,
    checksAll: settings.enforcement === "Audit",
    collectFacts: createFactCollector({
      lookups: createLookups(client, caches),
      lists: deps.identities,
      inlineDrivers: settings.inlineDrivers,
      now,
    }),
  });
  const handler = createWebhookHandler({ review, docsUrl: settings.docsUrl, logger, registry });
  const server = await startHttpServer({
    handler:
      settings.webhookClientCaFile === undefined
        ? handler
        : requireClientCertificate(handler, settings.webhookClientNames),
    host: settings.host,
    port: settings.webhookPort,
    tls: tls.current(),
    limits: LIMITS,
  });
  tls.onChange(server.setTls);

  const restoration = createRestorationReport({ enforcement: settings.enforcement, registry, logger });

  return {
    server,
    unreadyReason() {
      if (restoration.isRefused())
        return `the API server refuses to write ValidatingWebhookConfiguration ${WEBHOOK_CONFIGURATION}: its Events say why`;
      // API servers that do not trust the certificate yet would fail each request.
      return tls.isPublished() ? undefined : "the CA of the webhook's certificate is not published";
    },
    maintain: tls.maintain,
    desired: () =>
      desiredWebhookConfiguration({ caBundle: tls.caBundle(), url: settings.webhookUrl }, deps.identities, {
        enforcement: settings.enforcement,
        accountNamespaces: accounts.list(),
      }),
    onDesired(handler, signal) {
      tls.onBundle(handler, signal);
      accounts.onChange(handler, signal);
    },
    denials,
    findings,
    restoration,
  };
}
