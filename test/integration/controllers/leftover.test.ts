import { beforeAll, describe, expect, it } from "vitest";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { trustedKeyProblem } from "../../../src/admission/signature/trusted-key.ts";
import { BLUEPRINT } from "../../../src/api/blueprint.ts";
import { ENVIRONMENT_POLICY } from "../../../src/api/environment-policy.ts";
import { FRANCHISE } from "../../../src/api/franchise.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { ORGANIZATION } from "../../../src/api/organization.ts";
import { soakRecordName } from "../../../src/api/soak-record.ts";
import {
  blueprintWatches,
  createBlueprintReconciler,
} from "../../../src/controllers/blueprint/controller.ts";
import {
  createEnvironmentPolicyReconciler,
  environmentPolicyWatches,
} from "../../../src/controllers/environment-policy/controller.ts";
import {
  createSoakReconciler,
  soakWatches,
} from "../../../src/controllers/environment-policy/soak-controller.ts";
import {
  createFranchiseReconciler,
  franchiseWatches,
} from "../../../src/controllers/franchise/controller.ts";
import {
  createOrganizationReconciler,
  organizationWatches,
} from "../../../src/controllers/organization/controller.ts";
import { managedResources } from "../../../src/controllers/sovereign/cache.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import { createReconcileMetrics } from "../../../src/kube/metric.ts";
import { type ControllerOptions, createController } from "../../../src/kube/reconcile.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  LIMIT_RANGES,
  NAMESPACES,
  NETWORK_POLICIES,
  PODS,
  RESOURCE_QUOTAS,
  type Resource,
  ROLE_BINDINGS,
  resourceOf,
  SECRETS,
} from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { blueprint, franchise, release, sovereign } from "../../support/builder/catalyst-object.ts";
import { RELEASES, SOVEREIGNS, useOperatorBench } from "../../support/process/operator-bench.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
const KINDS = [
  SOVEREIGNS,
  RELEASES,
  ...[FRANCHISE, ORGANIZATION, ENVIRONMENT_POLICY, BLUEPRINT].map(resourceOf),
];
const SYSTEM = "catalyst-system";
const logger = createLogger("test", "silent");

/**
 * Every object of a kind that the operator or the simulated cluster writes. Events are left out, because they are the
 * history and expire.
 */
async function inventory(): Promise<string[]> {
  const resources = new Map<string, Resource>(
    [
      ...managedResources(bench.caches()),
      ...[NAMESPACES, SECRETS, PODS, ROLE_BINDINGS, CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS],
      ...[RESOURCE_QUOTAS, LIMIT_RANGES, NETWORK_POLICIES, CONFIG_MAPS, ...KINDS],
    ].map((resource) => [`${resource.group} ${resource.plural}`, resource]),
  );
  const lists = await Promise.all(
    [...resources.values()].map((each) => bench.client().list<KubernetesObject>(each)),
  );
  return (
    lists
      .flatMap(({ items }) => items.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name]))
      .map((parts) => parts.filter((part) => part !== undefined).join(" "))
      // The cluster creates these in each namespace.
      .filter((each) => !/^(ServiceAccount \S+ default|ConfigMap \S+ kube-root-ca\.crt)$/.test(each))
      .sort()
  );
}

/** Starts the controllers of the kinds that the bench does not run. */
function startOthers(signal: AbortSignal): Promise<unknown> {
  const common = {
    ...{ client: bench.client(), fieldManager: "catalyst-operator", events: bench.recorder(), logger },
    now: () => new Date(),
  };
  const caches = bench.caches();
  const deps = { ...common, ...caches, applier: createApplier(common) };
  const organization = {
    ...deps,
    homes: [caches.roleBindings, caches.networkPolicies, caches.resourceQuotas, caches.limitRanges],
    subscriptions: { standingOf: () => undefined, connect: () => undefined },
    lists: identityLists(),
  };
  const policy = { ...deps, findings: caches.policyFindings, records: caches.soakRecords };
  const franchisee = { ...deps, keyProblem: trustedKeyProblem };
  const checked = {
    ...deps,
    checkArtifact: async () => ({ kind: "denied", message: "not signed" }) as never,
  };
  const metrics = createReconcileMetrics(new Registry());
  const run = (name: string, options: Pick<ControllerOptions, "watches" | "reconcile">) =>
    createController({ logger, metrics }, { name, ...options }).run(signal);
  return Promise.all([
    run("franchise", {
      watches: franchiseWatches(franchisee),
      reconcile: createFranchiseReconciler(franchisee),
    }),
    run("organization", {
      watches: organizationWatches(organization),
      reconcile: createOrganizationReconciler(organization),
    }),
    run("environmentpolicy", {
      watches: environmentPolicyWatches(policy),
      reconcile: createEnvironmentPolicyReconciler(policy),
    }),
    run("soak", { watches: soakWatches(policy), reconcile: createSoakReconciler(policy) }),
    run("blueprint", { watches: blueprintWatches(checked), reconcile: createBlueprintReconciler(checked) }),
  ]);
}

describe("the kinds of Catalyst", () => {
  const organization = {
    apiVersion: "catalyst.openova.io/v1alpha1",
    kind: "Organization",
    metadata: { name: "acme" },
    spec: { displayName: "Acme", owner: "salma", sovereign: "omantel" },
  } as unknown as KubernetesObject;
  const policy = {
    apiVersion: "catalyst.openova.io/v1alpha1",
    kind: "EnvironmentPolicy",
    metadata: { name: "soak", namespace: SYSTEM },
    spec: {
      appliesTo: { environments: ["acme-prod"] },
      enforcement: "Deny",
      rules: [{ soak: { from: "stg", duration: "1h" } }],
    },
  } as unknown as KubernetesObject;
  const namespaceNamed = (name: string, labels: Record<string, string> = {}): KubernetesObject => ({
    ...{ apiVersion: "v1", kind: "Namespace" },
    metadata: { name, labels },
  });
  const objects: [Resource, KubernetesObject][] = [
    [RELEASES, release({ maxUnavailable: 10 })],
    [SOVEREIGNS, sovereign("zero", { role: "CatalystZero" })],
    [resourceOf(FRANCHISE), franchise("omantel")],
    [SOVEREIGNS, sovereign("omantel", { role: "Franchised", franchise: "omantel" })],
    [resourceOf(ORGANIZATION), organization],
    [resourceOf(ENVIRONMENT_POLICY), policy],
    [resourceOf(BLUEPRINT), blueprint("crm", { visibility: "private" }, { namespace: "catalog-sovereign" })],
  ];
  const stop = new AbortController();
  let before: string[] = [];

  beforeAll(async () => {
    const labels = (environment: string) => ({
      "catalyst.openova.io/organization": "acme",
      "catalyst.openova.io/environment": environment,
    });
    for (const object of [
      ...["catalog", "catalog-sovereign"].map((name) => namespaceNamed(name)),
      namespaceNamed("acme-stg", labels("stg")),
    ])
      await bench.client().create(NAMESPACES, object);
    const pod = { namespace: "acme-stg", name: "app" };
    const image = `registry.example/app@sha256:${"d".repeat(64)}`;
    await bench.client().create(PODS, {
      ...{ apiVersion: "v1", kind: "Pod", metadata: pod },
      ...{ spec: { containers: [{ name: "app", image }] } },
    } as KubernetesObject);
    const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const status = {
      conditions: [{ type: "Ready", status: "True", lastTransitionTime }],
      containerStatuses: [{ name: "app", image, imageID: image, ready: true, restartCount: 0 }],
    };
    await bench.client().mergePatch(PODS, pod, { status }, "status");
    before = await inventory();
    bench.startControllers();
    const running = startOthers(stop.signal);
    for (const [resource, object] of objects) await bench.client().create(resource, object);
    await bench.awaitCondition("zero", "Ready", "True", undefined, 60_000);
    await bench.awaitCondition("omantel", "Ready", "True", undefined, 60_000);
    return async () => {
      stop.abort();
      await running;
    };
  });

  it("leave behind what the documentation names, and nothing else", async () => {
    const made = [
      "RoleBinding org-acme organization-members",
      "RoleBinding sovereign-omantel catalyst-franchisee-omantel",
      "ClusterRole catalyst-franchisee-omantel",
      "Deployment sovereign-omantel billing",
      `ConfigMap ${SYSTEM} ${soakRecordName("acme-stg")}`,
    ];
    let present: string[] = [];
    await until(
      async () => {
        present = await inventory();
        return made.every((each) => present.includes(each)) || undefined;
      },
      async () => made.filter((each) => !present.includes(each)).join(", "),
    );
    // The Franchise is deleted once no Sovereign runs under it.
    for (const [resource, { metadata }] of [...objects].reverse())
      await bench.client().delete(resource, metadata);
    const kept = [
      ...["zero", "omantel"].flatMap((name) => [
        `Namespace sovereign-${name}`,
        `Secret sovereign-${name} billing-db`,
        `Secret sovereign-${name} billing-jwt`,
      ]),
      "Namespace org-acme",
      ...["LimitRange", "NetworkPolicy", "ResourceQuota"].map((kind) => `${kind} org-acme organization`),
    ].sort();
    const left = async () => (await inventory()).filter((each) => !before.includes(each));
    await until(
      async () => (await left()).join() === kept.join(),
      async () => (await left()).filter((each) => !kept.includes(each)).join("\n"),
    ).catch(() => undefined);
    expect(await left()).toEqual(kept);
  });
});
