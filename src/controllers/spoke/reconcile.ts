import { findCondition } from "../../api/condition.ts";
import { SOVEREIGN_FINALIZER } from "../../api/label.ts";
import { CLUSTER_REACHABLE, SOVEREIGN, type Sovereign } from "../../api/sovereign.ts";
import { addFinalizer } from "../../kube/finalizer.ts";
import { resourceOf } from "../../kube/resource.ts";
import { findConflict } from "../sovereign/conflict.ts";
import type { ReconcileContext } from "../sovereign/context.ts";
import { WATCHED_RETRY_MS } from "../sovereign/desired-retry.ts";
import { recordNewReason } from "../sovereign/report.ts";
import { falseCondition, type Stop, stalled, trueCondition, unknown, waiting } from "../sovereign/status.ts";
import { pinImage } from "../sovereign/step/pin.ts";
import { desiredClusterStatus, desiredMirror, stopOf } from "./desired-mirror.ts";
import { type DesiredSpoke, desiredSpoke, isGiven } from "./desired-spoke.ts";
import type { SpokeSession } from "./session.ts";
import type { Spoke } from "./spoke.ts";

/** Reconciles again at once, with the status that was just written. */
const AGAIN_MS = 1;

/**
 * Reconciles a Sovereign that has its own cluster. The hub decides which image it runs, keeps its objects there, and shows
 * its status here. The `Spoke` makes all requests to the cluster in the background, so this function waits for none of
 * them.
 */
export async function reconcileRemote(context: ReconcileContext): Promise<Stop | undefined> {
  const { deps, sovereign, findings } = context;
  const conflict = findConflict(deps.caches.sovereigns, sovereign);
  if (conflict !== undefined) return stalled(conflict.reason, conflict.message);
  await addFinalizer(deps.client, resourceOf(SOVEREIGN), sovereign, SOVEREIGN_FINALIZER);
  const contact = await findSession(context);
  if ("stop" in contact) return contact.stop;
  const { spoke, session } = contact;
  findings.conditions.push(
    trueCondition(CLUSTER_REACHABLE, "Reachable", `the cluster answers at ${session.client.server}`),
  );
  const live = spoke.sovereign(sovereign.metadata.name);
  findings.facts.cluster = desiredClusterStatus(session.uid, live, sovereign.status?.cluster);
  // The identity is stored before anything is written there: after a crash, another cluster at this address must not count
  // as the first.
  if (sovereign.status?.cluster === undefined)
    return waiting(
      "ClusterConnecting",
      "the hub records which cluster this is: it goes on within seconds",
      AGAIN_MS,
    );
  const { image, stop: unpinned } = decideImage(context);
  // The image is stored first for the same reason: after a crash, the hub must not give the Sovereign's place in the
  // rollout to another one.
  if (image !== undefined && image !== sovereign.status.pinnedImage)
    return waiting("WaitingForSpoke", `the Sovereign takes ${image}`, AGAIN_MS);
  const desired = desiredSpokeOf(context, session.uid, image);
  spoke.put(sovereign.metadata.name, desired);
  const mirrored = mirror(context, { spoke, desired, live, image });
  return sovereign.spec.suspend ? SUSPENDED : (unpinned ?? mirrored);
}

const SUSPENDED = unknown(
  "Suspended",
  "spec.suspend is true, here and on the Sovereign's cluster: the operators change nothing; set it to false to continue",
);

type Contact = { stop: Stop | undefined } | { spoke: Spoke; session: SpokeSession };

/** The session with the Sovereign's cluster, or why there is none. */
async function findSession(context: ReconcileContext): Promise<Contact> {
  const { deps, sovereign, findings } = context;
  const unobserved = (stop: Stop): Contact => {
    findings.isUnobserved = true;
    recordNewReason(context, CLUSTER_REACHABLE, stop);
    findings.conditions.push(falseCondition(CLUSTER_REACHABLE, stop.reason, stop.message));
    return { stop };
  };
  const link = await deps.spokes.linkOf(sovereign);
  if (link.kind === "missing")
    return unobserved(waiting("KubeconfigMissing", link.message, WATCHED_RETRY_MS));
  if (link.kind === "refused") return unobserved(stalled("KubeconfigRefused", link.message));
  const { spoke } = link;
  const state = spoke.state();
  if (state.kind === "unreachable") {
    const { reason, remedy } = REMEDY[state.status] ?? UNREACHABLE;
    return unobserved(
      unknown(
        reason,
        `the cluster cannot be reached since ${unreachableSince(sovereign, state.since)}: ${state.cause}; the hub tries again: ${remedy}`,
      ),
    );
  }
  if (state.kind === "connecting") return { stop: whileConnecting(context) };
  const { session } = state;
  if (session.uid === deps.spokes.hub())
    return unobserved(
      stalled(
        "ClusterIsHub",
        "the kubeconfig leads to this very cluster: delete the Sovereign and create it without spec.cluster, or give another cluster's kubeconfig",
      ),
    );
  const known = sovereign.status?.cluster?.uid;
  if (known !== undefined && known !== session.uid) {
    spoke.forget(sovereign.metadata.name);
    return unobserved(
      stalled(
        "ClusterReplaced",
        `the cluster at ${session.client.server} is another one: its namespace kube-system has the UID ${session.uid}, and the Sovereign's cluster had ${known}. ` +
          "The hub writes nothing there: give the kubeconfig of the Sovereign's cluster, or delete the Sovereign and create it again",
      ),
    );
  }
  return { spoke, session };
}

/** A hub that starts while the cluster is unreachable did not see the beginning. The condition has its time. */
function unreachableSince({ status }: Sovereign, seen: Date): string {
  const known = findCondition(status?.conditions, CLUSTER_REACHABLE);
  const isEarlier = known?.status === "False" && Date.parse(known.lastTransitionTime) < seen.getTime();
  return isEarlier ? known.lastTransitionTime : seen.toISOString();
}

const UNREACHABLE = {
  reason: "ClusterUnreachable",
  remedy: "look at the cluster, its address and the network",
};
const DENIED = {
  reason: "ClusterAccessDenied",
  remedy: "give its identity the role catalyst-hub there, or renew the kubeconfig",
};
const REMEDY: Record<number, typeof UNREACHABLE | undefined> = {
  401: DENIED,
  403: DENIED,
  404: { reason: "ClusterWithoutOperator", remedy: "install the operator and its kinds on that cluster" },
};

/** Keeps the last known state until the cluster answers or a try fails. */
function whileConnecting({ sovereign }: ReconcileContext): Stop | undefined {
  const known = stopOf(sovereign.status?.conditions);
  return known === "none" ? unknown("ClusterConnecting", "the hub connects to the cluster") : known;
}

/** A suspended Sovereign keeps its image. */
function decideImage(context: ReconcileContext): { image: string | undefined; stop: Stop | undefined } {
  const { sovereign } = context;
  if (sovereign.spec.suspend) return { image: sovereign.status?.pinnedImage, stop: undefined };
  const { image, stop } = pinImage(context);
  return { image, stop };
}

function desiredSpokeOf({ deps, sovereign }: ReconcileContext, uid: string, image: string | undefined) {
  const { releases, franchises, policies } = deps.caches;
  const { franchise, billing } = sovereign.spec;
  return desiredSpoke(uid, {
    sovereign,
    image,
    release: releases.get(billing.release),
    franchise: franchise === undefined ? undefined : franchises.get(franchise),
    policies: policies.list(),
    hub: deps.spokes.hub(),
  });
}

/** Adds the state on the cluster to the findings, and returns why the Sovereign is not Ready. */
function mirror(
  context: ReconcileContext,
  remote: { spoke: Spoke; desired: DesiredSpoke; live: Sovereign | undefined; image: string | undefined },
): Stop | undefined {
  const { sovereign, findings } = context;
  const { spoke, desired, live, image } = remote;
  const { conditions, facts, stop } = desiredMirror(live, image);
  findings.conditions.push(...conditions);
  Object.assign(findings.facts, facts);
  const result = spoke.result(sovereign.metadata.name);
  if (result.kind === "applied") return stop;
  if (result.kind === "pending")
    return isGiven(desired, live)
      ? stop
      : waiting(
          "WaitingForSpoke",
          "the hub writes the Sovereign to its cluster: its status follows within seconds",
        );
  const { reason, message, isFinal } = result;
  const described = `on the Sovereign's cluster: ${message}`;
  recordNewReason(context, "Ready", { reason, message: described });
  return isFinal ? stalled(reason, described) : waiting(reason, described);
}

/**
 * Deletes a Sovereign on its cluster. Returns the reason to wait; undefined when the deletion is complete. With
 * `spec.suspend`, everything on the cluster stays.
 */
export async function finishRemote(context: ReconcileContext): Promise<Stop | undefined> {
  const { deps, sovereign } = context;
  const { metadata, spec, status } = sovereign;
  const record = (reason: string, message: string) =>
    deps.events.record(sovereign, "Normal", reason, message);
  const known = status?.cluster?.uid;
  if (spec.suspend)
    record("WorkloadKept", "the Sovereign was suspended, so the hub left everything on its cluster as it is");
  else if (known !== undefined) {
    const contact = await findSession(context);
    if ("stop" in contact) return heldUp(contact.stop);
    const { spoke } = contact;
    spoke.remove(metadata.name, known);
    if (!spoke.isRemoved(metadata.name))
      return waiting("DeletingOnCluster", `the operator on the cluster deletes the workload: ${SUSPEND}`);
    record(
      "WorkloadDeleted",
      "the Sovereign is deleted on its cluster; its namespace and its database stay there",
    );
  }
  deps.spokes.forget(metadata.name);
  return undefined;
}

const SUSPEND = "set spec.suspend to true to delete the Sovereign here and leave its cluster as it is";

const heldUp = (stop: Stop | undefined): Stop =>
  waiting(
    "DeletionBlocked",
    `the Sovereign must be deleted on its cluster first: ${SUSPEND}. ${stop?.message ?? "The cluster does not answer yet"}`,
    WATCHED_RETRY_MS,
  );
