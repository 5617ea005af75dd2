import type { Enforcement } from "../admission/enforcement.ts";
import type { IdentityLists } from "../admission/rules/identity.ts";
import { trustedKeyProblem } from "../admission/signature/trusted-key.ts";
import type { ArtifactCheck } from "../admission/trust-policy.ts";
import { FIELD_MANAGER } from "../api/name.ts";
import type { KubernetesObject } from "../api/object.ts";
import { readRequestCount } from "../billing/http/request-count.ts";
import { readPodSchema } from "../billing/shape.ts";
import { runSmokeTest } from "../billing/smoke.ts";
import {
  type AdmissionPolicyDeps,
  admissionPolicyWatches,
  createAdmissionPolicyReconciler,
} from "../controllers/admission-policy/controller.ts";
import {
  billingReleaseWatches,
  createBillingReleaseReconciler,
} from "../controllers/billing-release/controller.ts";
import { createFleets } from "../controllers/billing-release/fleet.ts";
import { createImageChecks, type FindImage } from "../controllers/billing-release/image-check.ts";
import { blueprintWatches, createBlueprintReconciler } from "../controllers/blueprint/controller.ts";
import {
  createEnvironmentPolicyReconciler,
  environmentPolicyWatches,
} from "../controllers/environment-policy/controller.ts";
import { createSoakReconciler, soakWatches } from "../controllers/environment-policy/soak-controller.ts";
import { failureEvents } from "../controllers/failure-event.ts";
import { createFranchiseReconciler, franchiseWatches } from "../controllers/franchise/controller.ts";
import {
  createInstalledArtifactReconciler,
  installedArtifactWatches,
} from "../controllers/installed-artifact/controller.ts";
import {
  createOrganizationReconciler,
  organizationWatches,
  type SubscriptionStandings,
} from "../controllers/organization/controller.ts";
import { createAutoscalers } from "../controllers/sovereign/autoscaler.ts";
import { SOVEREIGN_INDEX } from "../controllers/sovereign/cache.ts";
import { createSovereignReconciler } from "../controllers/sovereign/controller.ts";
import { createErrorRates } from "../controllers/sovereign/error-rate.ts";
import { createSovereignMeasurements } from "../controllers/sovereign/measurement.ts";
import { createSecretReader } from "../controllers/sovereign/secret-facts.ts";
import { createVerification } from "../controllers/sovereign/verification.ts";
import { sovereignWatches } from "../controllers/sovereign/watch.ts";
import { createSpokes } from "../controllers/spoke/link.ts";
import type { StatusReconcilerDeps } from "../controllers/status-reconciler.ts";
import {
  createWebhookConfigurationReconciler,
  webhookConfigurationWatches,
} from "../controllers/webhook-configuration/controller.ts";
import type { Applied, Applier } from "../kube/apply.ts";
import type { KubeClient } from "../kube/client.ts";
import { watchClock } from "../kube/clock-watch.ts";
import type { EventRecorder } from "../kube/event.ts";
import type { ReconcileMetrics } from "../kube/metric.ts";
import { type Controller, createController } from "../kube/reconcile.ts";
import type { RemoteKubeconfig } from "../kube/remote-kubeconfig.ts";
import type { Logger } from "../platform/log.ts";
import { Counter, type Registry } from "../platform/metrics.ts";
import type { OperatorCaches } from "./cache.ts";
import { probeDatabase } from "./database-probe.ts";
import type { FailedSovereignGauge } from "./failed-sovereign-gauge.ts";
import { probeIssuer } from "./issuer-probe.ts";
import type { PolicyRestorationReport } from "./policy-restoration.ts";
import { type SigningKeys, signingKeyWatch } from "./signing-key.ts";
import type { UntrustedGauge } from "./untrusted-gauge.ts";
import type { Webhook } from "./webhook.ts";
import { AUDIT_ONLY } from "./webhook-restoration.ts";

export interface ControllerDeps {
  client: KubeClient;
  /** Connects to the cluster of a Sovereign that has its own. */
  connect(kubeconfig: RemoteKubeconfig): KubeClient;
  applier: Applier;
  caches: OperatorCaches;
  events: EventRecorder;
  keys: SigningKeys;
  /** A digest of a Secret's values, `sha256:<64 hex>`, that cannot be guessed without the operator's key. */
  keyedDigest(text: string): string;
  checkArtifact: ArtifactCheck;
  findImage: FindImage;
  webhook: Webhook;
  identities: IdentityLists;
  enforcement: Enforcement;
  /** The admission policies and bindings to restore. */
  policies: AdmissionPolicyDeps["desired"];
  policyRestoration: PolicyRestorationReport;
  metrics: ReconcileMetrics;
  untrustedGauge: UntrustedGauge;
  failedSovereignGauge: FailedSovereignGauge;
  subscriptions: SubscriptionStandings;
  /** `catalyst_drift_corrected_total`. */
  driftCounter: Counter;
  concurrency: number;
  billingDrainSeconds: number;
  orderNoticeUrl: string;
  logger: Logger;
  now: () => Date;
}

export function createDriftCounter(registry: Registry): Counter {
  return new Counter({
    name: "catalyst_drift_corrected_total",
    help: "Changes to managed objects that the operator put back.",
    labelNames: ["sovereign", "kind"],
    registers: [registry],
  });
}

type Create = (
  name: string,
  options: Omit<Parameters<typeof createController>[1], "name" | "concurrency">,
) => Controller;

/** Creates all controllers for one term of leadership. Each term needs new ones, because a work queue closes with its term. */
export function createControllers(deps: ControllerDeps): Controller[] {
  const { client, applier, caches, events, logger, now, metrics, concurrency } = deps;
  const common = { client, applier, fieldManager: FIELD_MANAGER, events, logger, now };
  const create: Create = (name, options) =>
    createController(
      { logger, metrics },
      { name, concurrency, ...options, watches: [...options.watches, watchClock({ now }, options.watches)] },
    );

  const franchise = {
    ...common,
    franchises: caches.franchises,
    sovereigns: caches.sovereigns,
    blueprints: caches.blueprints,
    namespaces: caches.namespaces,
    clusterRoles: caches.clusterRoles,
    clusterRoleBindings: caches.clusterRoleBindings,
    roleBindings: caches.roleBindings,
    keyProblem: trustedKeyProblem,
  };
  const organization = {
    ...common,
    organizations: caches.organizations,
    namespaces: caches.namespaces,
    homes: [caches.roleBindings, caches.networkPolicies, caches.resourceQuotas, caches.limitRanges],
    lists: deps.identities,
    subscriptions: deps.subscriptions,
  };
  const webhookConfiguration = {
    ...{ client, applier },
    configurations: caches.webhookConfigurations,
    desired: deps.webhook.desired,
    onDesired: deps.webhook.onDesired,
    onApplied: (applied: Applied) => deps.webhook.restoration.report(applied, events),
  };
  const admissionPolicy = {
    client,
    informers: caches.admissionPolicies,
    desired: deps.policies,
    onRestored: (object: KubernetesObject, fields: readonly string[]) =>
      deps.policyRestoration.restored(object, fields, events),
    onServed: (isServed: boolean) => deps.policyRestoration.served(isServed, events),
  };
  const policy = {
    ...common,
    policies: caches.policies,
    namespaces: caches.namespaces,
    findings: caches.policyFindings,
  };
  const soak = { ...policy, records: caches.soakRecords };

  return [
    ...createRolloutControllers(deps, common, create),
    create("franchise", {
      watches: franchiseWatches(franchise),
      reconcile: createFranchiseReconciler(franchise),
    }),
    ...createArtifactControllers(deps, common, create),
    create("organization", {
      watches: organizationWatches(organization),
      reconcile: createOrganizationReconciler(organization),
    }),
    create("environmentpolicy", {
      watches: environmentPolicyWatches(policy),
      reconcile: createEnvironmentPolicyReconciler(policy),
    }),
    create("soak", {
      watches: soakWatches(soak),
      reconcile: createSoakReconciler(soak),
      onFailure: failureEvents(deps.events, (key) => caches.namespaces.get(key)),
    }),
    create("webhookconfiguration", {
      watches: webhookConfigurationWatches(webhookConfiguration),
      reconcile: createWebhookConfigurationReconciler(webhookConfiguration),
      onFailure: (_key, failure) => deps.webhook.restoration.failed(failure, events),
    }),
    create("admissionpolicy", {
      watches: admissionPolicyWatches(admissionPolicy),
      reconcile: createAdmissionPolicyReconciler(admissionPolicy),
      onFailure: failureEvents(deps.events, (key) =>
        admissionPolicy.desired.find(({ kind, metadata }) => key === `${kind}/${metadata.name}`),
      ),
    }),
  ];
}

/** The controllers of Sovereigns and of releases, which share one tally of each fleet. */
function createRolloutControllers(
  deps: ControllerDeps,
  common: StatusReconcilerDeps & { applier: Applier },
  create: Create,
): Controller[] {
  const { caches, keys, logger, now } = deps;
  const { sovereigns, releases, namespaces, secretVersions } = caches;
  const fleets = createFleets({ sovereigns, releases, index: SOVEREIGN_INDEX.release, now });
  const measurements = createSovereignMeasurements({ now });
  const verification = createVerification({ caches, readSchema: readPodSchema, logger });
  const errorRates = createErrorRates({ caches, readRequests: readRequestCount, now });
  const spokes = createSpokes({ ...deps, namespaces, secretVersions });
  const sovereign = {
    ...common,
    caches,
    fleets,
    spokes,
    operatorJwks: keys.jwks,
    mintToken: keys.mintToken,
    secrets: createSecretReader({ ...deps, secretVersions }),
    orderNoticeUrl: deps.orderNoticeUrl,
    ...{ probeDatabase, probeIssuer, ...measurements, errorRates, verification },
    autoscalers: createAutoscalers({ client: common.client, now }),
    billingDrainSeconds: deps.billingDrainSeconds,
    admissionNotice: deps.enforcement === "Audit" ? AUDIT_ONLY : undefined,
    smoke: (input: { baseUrl: string; token: string; code: string; signal: AbortSignal }) =>
      runSmokeTest({ ...input, fetch, now }),
    onDrift: (name: string, drift: { kind: string }) =>
      deps.driftCounter.inc({ sovereign: name, kind: drift.kind }),
  };
  const release = {
    ...common,
    releases: caches.releases,
    sovereigns: caches.sovereigns,
    fleets,
    images: createImageChecks({ now }),
    findImage: deps.findImage,
    failures: deps.failedSovereignGauge,
    logger: logger.child({ controller: "billingrelease" }),
  };
  return [
    create("sovereign", {
      watches: [
        ...sovereignWatches(caches, fleets),
        signingKeyWatch(keys, caches.sovereigns),
        ...[...Object.values(measurements), errorRates, verification, spokes],
      ],
      reconcile: createSovereignReconciler(sovereign),
    }),
    create("billingrelease", {
      watches: billingReleaseWatches(release),
      reconcile: createBillingReleaseReconciler(release),
    }),
  ];
}

/** The controllers that check artifacts again when the trust changes. */
function createArtifactControllers(
  deps: ControllerDeps,
  common: StatusReconcilerDeps,
  create: Create,
): Controller[] {
  const { caches } = deps;
  const blueprint = {
    ...common,
    blueprints: caches.blueprints,
    franchises: caches.franchises,
    trust: caches.trust,
    checkArtifact: deps.checkArtifact,
  };
  const installedArtifact = {
    ...common,
    namespaces: caches.namespaces,
    trust: caches.trust,
    franchises: caches.franchises,
    sovereigns: caches.sovereigns,
    organizations: caches.organizations,
    lists: deps.identities,
    checkArtifact: deps.checkArtifact,
    onCounted: deps.untrustedGauge.count,
  };

  return [
    create("blueprint", {
      watches: blueprintWatches(blueprint),
      reconcile: createBlueprintReconciler(blueprint),
    }),
    create("installedartifact", {
      watches: installedArtifactWatches(installedArtifact),
      reconcile: createInstalledArtifactReconciler(installedArtifact),
      onFailure: failureEvents(deps.events, (key) => caches.namespaces.get(key)),
    }),
  ];
}
