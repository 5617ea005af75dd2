import { desiredNativePolicies } from "../admission/policy/native/policy-list.ts";
import { FIELD_MANAGER, HUB_NAME, SYSTEM_NAMESPACE } from "../api/name.ts";
import { createApplier } from "../kube/apply.ts";
import { createKubeClient, type KubeClient, type Leadership } from "../kube/client.ts";
import { runLeaderElection } from "../kube/leader-election.ts";
import { createReconcileMetrics } from "../kube/metric.ts";
import { createClusterLookup } from "../kube/remote-address.ts";
import type { RemoteKubeconfig } from "../kube/remote-kubeconfig.ts";
import type { Registry } from "../platform/metrics.ts";
import { type ControllerDeps, createControllers, createDriftCounter } from "./controller.ts";
import { createFailedSovereignGauge } from "./failed-sovereign-gauge.ts";
import { ORDER_NOTICE_PATH } from "./order-notice.ts";
import type { OutboxRelay } from "./outbox-relay.ts";
import { createPolicyRestorationReport } from "./policy-restoration.ts";
import type { OperatorSettings } from "./settings.ts";
import { createUntrustedGauge } from "./untrusted-gauge.ts";

type LeaderDeps = Omit<
  ControllerDeps,
  | "applier"
  | "subscriptions"
  | "connect"
  | "metrics"
  | "driftCounter"
  | "policies"
  | "policyRestoration"
  | "untrustedGauge"
  | "failedSovereignGauge"
  | "identities"
  | "enforcement"
  | "concurrency"
  | "billingDrainSeconds"
  | "orderNoticeUrl"
> & {
  settings: OperatorSettings;
  relay: Pick<OutboxRelay, "sweep" | "subscriptions">;
  registry: Registry;
  signal: AbortSignal;
};

/**
 * Takes part in the leader election until the signal fires. While this replica leads, it runs the controllers and sweeps
 * the outboxes.
 */
export function runLeader(deps: LeaderDeps): Promise<void> {
  const { client, settings, relay, registry, logger, now, signal } = deps;
  const { concurrency, billingDrainSeconds, identities, enforcement, docsUrl, identity } = settings;
  const orderNoticeUrl = `${settings.operatorUrl}${ORDER_NOTICE_PATH}`;
  const metrics = createReconcileMetrics(registry);
  const driftCounter = createDriftCounter(registry);
  const untrustedGauge = createUntrustedGauge(registry);
  const failedSovereignGauge = createFailedSovereignGauge(registry);
  const policies = desiredNativePolicies(identities, enforcement, docsUrl);
  const policyRestoration = createPolicyRestorationReport({ policies, registry, logger });
  return runLeaderElection({
    client,
    lease: { name: FIELD_MANAGER, namespace: SYSTEM_NAMESPACE },
    identity,
    logger,
    signal,
    async lead(leading, leadership) {
      // Only the controllers must stop writing when the lease is lost. The webhook and the voucher API write without it.
      const leaderClient = client.whileLeading(leadership);
      const applier = createApplier({ client: leaderClient, fieldManager: FIELD_MANAGER, now });
      const controllers = createControllers({
        ...deps,
        client: leaderClient,
        subscriptions: relay.subscriptions,
        connect: (kubeconfig) => createRemoteClient(kubeconfig, leadership),
        ...{ applier, metrics, driftCounter, policies, policyRestoration },
        ...{ untrustedGauge, failedSovereignGauge },
        ...{ concurrency, billingDrainSeconds, orderNoticeUrl, identities, enforcement },
      });
      await Promise.all([
        ...controllers.map((controller) => controller.run(leading)),
        relay.sweep(leading),
      ]).finally(() => {
        untrustedGauge.reset();
        failedSovereignGauge.reset();
        deps.webhook.restoration.reset();
        policyRestoration.reset();
      });
    },
  });
}

/**
 * The largest answer of a remote cluster, which may hold all its objects of one kind. It has room for 1,600 Sovereigns with
 * their status. Others run these clusters, and all of them share this process's memory.
 */
const MAX_REMOTE_ANSWER_BYTES = 16 * 1_024 * 1_024;

/** Only the leader writes to the clusters of Sovereigns, as with the client of the own cluster. */
function createRemoteClient({ config }: RemoteKubeconfig, leadership: Leadership): KubeClient {
  const lookup = createClusterLookup();
  const maxAnswerBytes = MAX_REMOTE_ANSWER_BYTES;
  return createKubeClient({ kubeConfig: config, userAgent: HUB_NAME, lookup, maxAnswerBytes }).whileLeading(
    leadership,
  );
}
