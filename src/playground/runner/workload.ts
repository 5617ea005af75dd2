import type { KubernetesObject } from "../../api/object.ts";
import { canonicalJson } from "../../platform/canonical-json.ts";
import type { Pod, PodSpec } from "./pod.ts";

// Types and functions that Deployments, ReplicaSets and Jobs share.

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
}

export interface Deployment extends KubernetesObject {
  spec: {
    replicas?: number;
    paused?: boolean;
    minReadySeconds?: number;
    progressDeadlineSeconds?: number;
    revisionHistoryLimit?: number;
    selector: { matchLabels?: Record<string, string> };
    template: PodTemplate;
    strategy?: {
      type?: "RollingUpdate" | "Recreate";
      rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string };
    };
  };
  status?: { conditions?: Condition[] };
}

export interface ReplicaSet extends KubernetesObject {
  spec: {
    replicas?: number;
    minReadySeconds?: number;
    selector: { matchLabels?: Record<string, string> };
    template: PodTemplate;
  };
  status?: { conditions?: Condition[] };
}

export function controllerReference({ apiVersion, kind, metadata }: KubernetesObject) {
  return {
    apiVersion,
    kind,
    name: metadata.name,
    uid: metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}

export const controllerOf = ({ metadata }: KubernetesObject) =>
  metadata.ownerReferences?.find(({ controller }) => controller === true);

export const isControlledBy = (object: KubernetesObject, owner: KubernetesObject): boolean =>
  controllerOf(object)?.uid === owner.metadata.uid;

/** The queue keys of an object's owners of one kind. */
export const ownerKeys = (object: KubernetesObject, kind: string): string[] =>
  (object.metadata.ownerReferences ?? [])
    .filter((owner) => owner.kind === kind)
    .map(({ name }) => `${object.metadata.namespace}/${name}`);

export const isFinished = ({ status }: Pod): boolean =>
  status?.phase === "Failed" || status?.phase === "Succeeded";

export const isTerminating = ({ metadata }: KubernetesObject): boolean =>
  metadata.deletionTimestamp !== undefined;

export const isActive = (pod: Pod): boolean => !isFinished(pod) && !isTerminating(pod);

const readyCondition = (pod: Pod) =>
  pod.status?.conditions?.find(({ type, status }) => type === "Ready" && status === "True");

export const isReady = (pod: Pod): boolean => readyCondition(pod) !== undefined;

/** Milliseconds until a Pod is available: 0 when it has been ready for `minReadySeconds`, undefined when it is not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = readyCondition(pod);
  if (ready === undefined) return undefined;
  return Math.max(0, Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 - nowMs);
}

/** Whether two statuses are equal. Kubernetes omits counts of zero, so 0 and absent are equal here. */
export function isSameStatus(a: object, b: object): boolean {
  const normalized = (status: object) =>
    canonicalJson(
      Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0 && value !== undefined)),
    );
  return normalized(a) === normalized(b);
}

/** A time as Kubernetes writes it, in whole seconds. */
export const rfc3339 = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, "Z");
