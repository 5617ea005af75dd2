import { BILLING } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { urlHost } from "../../platform/url-host.ts";

// The fields of built-in objects that the controller reads.

export interface DeploymentObject extends KubernetesObject {
  spec?: { replicas?: number; template?: { metadata?: { annotations?: Record<string, string> } } };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export interface JobObject extends KubernetesObject {
  status?: {
    completionTime?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export interface PodObject extends KubernetesObject {
  spec?: { containers: { name: string; image: string }[] };
  status?: {
    phase?: string;
    podIP?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
}

/** Found by the container's name, because a mesh may put its sidecar before it. */
export const billingImageOf = ({ spec }: PodObject): string | undefined =>
  spec?.containers.find(({ name }) => name === BILLING.workload)?.image;

/** `http://10.0.0.1:8085`; undefined while the Pod has no address. */
export function podOrigin({ status }: PodObject, port: number): string | undefined {
  const address = status?.podIP;
  if (address === undefined) return undefined;
  return `http://${urlHost(address)}:${port}`;
}

export interface ContainerStatus {
  name?: string;
  image?: string;
  state?: { terminated?: Terminated; waiting?: { reason?: string; message?: string } };
  lastState?: { terminated?: Terminated };
}

export interface Terminated {
  exitCode: number;
  reason?: string;
  message?: string;
}

/** Why a rollout is not finished; undefined when every replica runs the present template and is available. */
export function rolloutPending(deployment: DeploymentObject): string | undefined {
  const { spec, status } = deployment;
  const wanted = spec?.replicas ?? 1;
  if (!isObserved(deployment)) return "the Deployment controller has not started the rollout yet";
  const { updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = status ?? {};
  if (updatedReplicas < wanted) return `${updatedReplicas} of ${wanted} replicas are updated`;
  if (availableReplicas < wanted) return `${availableReplicas} of ${wanted} replicas are available`;
  if (replicas > updatedReplicas)
    return `${replicas - updatedReplicas} of ${replicas} replicas still run the earlier template`;
  return undefined;
}

/** Whether the status is about the present template. Before that, its conditions are about an earlier one. */
const isObserved = ({ metadata, status }: DeploymentObject): boolean =>
  (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);

/** The message of a rollout whose progress deadline has passed; undefined for any other. */
export function rolloutFailure(deployment: DeploymentObject): string | undefined {
  if (!isObserved(deployment)) return undefined;
  const progressing = deployment.status?.conditions?.find(({ type }) => type === "Progressing");
  return progressing?.reason === "ProgressDeadlineExceeded"
    ? (progressing.message ?? progressing.reason)
    : undefined;
}

export function jobCondition(job: JobObject, type: "Complete" | "Failed"): { message?: string } | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
}

export const isFinishedJob = (job: JobObject): boolean =>
  jobCondition(job, "Complete") !== undefined || jobCondition(job, "Failed") !== undefined;

/** Whether all its containers have ended for good. */
export const isFinishedPod = ({ status }: PodObject): boolean =>
  status?.phase === "Succeeded" || status?.phase === "Failed";

/**
 * The termination messages of the migration's own container, and the reasons why it waits, oldest Pod first. Messages of a
 * sidecar are neither a result nor the cause of a failure.
 */
export function migrationMessages(pods: readonly PodObject[]): string[] {
  return pods
    .flatMap(({ status }) => status?.containerStatuses ?? [])
    .filter(({ name }) => name === BILLING.migrationContainer)
    .flatMap(({ state, lastState }) => [
      state?.terminated?.message,
      lastState?.terminated?.message,
      state?.waiting?.reason && [state.waiting.reason, state.waiting.message].filter(Boolean).join(": "),
    ])
    .filter((message) => message !== undefined && message !== "") as string[];
}

export interface MigrationResult {
  version: string;
  fingerprint: string;
}

/** The migration's result from its container's messages; undefined when no message contains one. */
export function migrationResult(pods: readonly PodObject[]): MigrationResult | undefined {
  for (const message of migrationMessages(pods)) {
    try {
      const { version, fingerprint } = JSON.parse(message) as Partial<MigrationResult>;
      if (typeof version === "string" && typeof fingerprint === "string") return { version, fingerprint };
    } catch {
      // Not the result: a container that crashed leaves another message.
    }
  }
  return undefined;
}

export function isReadyPod(pod: PodObject): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined &&
    pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true
  );
}
