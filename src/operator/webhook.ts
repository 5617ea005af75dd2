import { requireClientCertificate } from "../admission/certificate/client-certificate.ts";
import { createDenialReport, type DenialReport } from "../admission/denial-report.ts";
import { createEnforcer } from "../admission/enforcement.ts";
import { createFactCollector } from "../admission/fact-collector.ts";
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
import { type RunningHttpServer, startHttpServer } from "../platform/http-server.ts";
import type { Logger } from "../platform/log.ts";
import type { Registry } from "../platform/metrics.ts";
import { createAccountNamespaces } from "./account-namespace.ts";
import type { OperatorCaches } from "./cache.ts";
import { createClusterLookups } from "./cluster-lookup.ts";
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
      lookups: createClusterLookups(client, caches),
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
