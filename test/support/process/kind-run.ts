import { identityLists } from "../../../src/admission/rules/identity.ts";
import { trustedKeyProblem } from "../../../src/admission/signature/trusted-key.ts";
import {
  blueprintWatches,
  createBlueprintReconciler,
} from "../../../src/controllers/blueprint/controller.ts";
import {
  createEnvironmentPolicyReconciler,
  environmentPolicyWatches,
} from "../../../src/controllers/environment-policy/controller.ts";
import {
  createFranchiseReconciler,
  franchiseWatches,
} from "../../../src/controllers/franchise/controller.ts";
import {
  createOrganizationReconciler,
  organizationWatches,
} from "../../../src/controllers/organization/controller.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { createEventRecorder } from "../../../src/kube/event.ts";
import { createReconcileMetrics } from "../../../src/kube/metric.ts";
import { createController } from "../../../src/kube/reconcile.ts";
import type { OperatorCaches } from "../../../src/operator/cache.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { FIELD_MANAGER, type Gate, gateClient, recordCalls } from "./controller-run.ts";

/** The running controllers of Franchise, Organization, EnvironmentPolicy and Blueprint of one operator. */
export interface KindRun {
  calls: string[];
  isCalling(): boolean;
  /** Resolves when the reconciles have ended and the Events are written. */
  stop(): Promise<void>;
}

/** Starts them for the objects with this name only. Each artifact is trusted. They work until `stop` is called. */
export function startKindControllers(
  { client: ungated, caches }: { client: KubeClient; caches: OperatorCaches },
  { name, gate }: { name: string; gate: Gate },
): KindRun {
  const { calls, isCalling, through } = recordCalls(gate);
  const client = gateClient(ungated, through);
  const ending = new AbortController();
  const logger = createLogger("test", "silent");
  const now = () => new Date();
  const events = createEventRecorder({ client, component: FIELD_MANAGER, instance: "bench", logger, now });
  const applier = createApplier({ client, fieldManager: FIELD_MANAGER, now });
  const common = { client, applier, fieldManager: FIELD_MANAGER, events, logger, now };
  const { roleBindings, networkPolicies, resourceQuotas, limitRanges, policyFindings } = caches;
  const franchise = { ...common, ...caches, keyProblem: trustedKeyProblem };
  const organization = {
    ...common,
    ...caches,
    homes: [roleBindings, networkPolicies, resourceQuotas, limitRanges],
    subscriptions: { standingOf: () => undefined, connect: () => undefined },
    lists: identityLists(),
  };
  const policy = { ...common, ...caches, findings: policyFindings };
  const blueprint = {
    ...common,
    ...caches,
    checkArtifact: async () =>
      ({ kind: "verified", digest: `sha256:${"c".repeat(64)}`, by: "a key" }) as const,
  };
  const kinds = [
    {
      name: "franchise",
      watches: franchiseWatches(franchise),
      reconcile: createFranchiseReconciler(franchise),
    },
    {
      name: "organization",
      watches: organizationWatches(organization),
      reconcile: createOrganizationReconciler(organization),
    },
    {
      name: "environmentpolicy",
      watches: environmentPolicyWatches(policy),
      reconcile: createEnvironmentPolicyReconciler(policy),
    },
    {
      name: "blueprint",
      watches: blueprintWatches(blueprint),
      reconcile: createBlueprintReconciler(blueprint),
    },
  ];
  const metrics = createReconcileMetrics(new Registry());
  const controllers = kinds.map(({ reconcile, ...kind }) =>
    createController(
      { logger, metrics },
      {
        ...kind,
        backoff: { firstMs: 5, maxMs: 100 },
        reconcile: async (key, signal, attempt) =>
          key.split("/").at(-1) === name ? reconcile(key, signal, attempt) : { kind: "done" },
      },
    ),
  );
  const running = Promise.all(controllers.map((controller) => controller.run(ending.signal)));
  return {
    calls,
    isCalling,
    async stop() {
      ending.abort();
      await running;
      await events.flush();
    },
  };
}
