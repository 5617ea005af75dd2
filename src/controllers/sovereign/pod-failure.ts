import { BILLING } from "../../api/name.ts";
import { redactSecrets } from "../../platform/log.ts";
import {
  type ContainerStatus,
  type DeploymentObject,
  isReadyPod,
  type PodObject,
  type Terminated,
} from "./observed.ts";

/** Why Pods do not run, and the remedy. */
export interface PodFailure {
  reason: string;
  message: string;
}

/** The kubelet's reasons while it cannot pull an image. It alternates between them. */
const PULL_REASONS = new Set([
  ...["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"],
  ...["RegistryUnavailable", "ImageInspectError", "SignatureValidationFailed"],
]);
const CONFIG_REASONS = new Set(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);
/** The operator's containers. Others were injected, for example by a mesh, and have their own images. */
const OWN_CONTAINERS: ReadonlySet<string> = new Set([BILLING.workload, BILLING.migrationContainer]);
const MAX_LINE = 500;

/** The failure of the newest Pod that has one. Pods that are ready or being deleted have none. */
export function findPodFailure(pods: readonly PodObject[]): PodFailure | undefined {
  const createdAt = ({ metadata }: PodObject) => metadata.creationTimestamp ?? "";
  return [...pods]
    .sort((a, b) => createdAt(b).localeCompare(createdAt(a)))
    .map(failureOf)
    .find((failure) => failure !== undefined);
}

function failureOf(pod: PodObject): PodFailure | undefined {
  const { metadata, status } = pod;
  const conditions = status?.conditions ?? [];
  if (metadata.deletionTimestamp !== undefined || isReadyPod(pod)) return undefined;
  const unscheduled = conditions.find(
    ({ type, status: value, reason }) =>
      type === "PodScheduled" && value === "False" && reason === "Unschedulable",
  );
  if (unscheduled !== undefined)
    return {
      reason: "Unschedulable",
      message: `no node takes Pod ${metadata.name}: ${unscheduled.message ?? "no reason given"}: add capacity, lower what the Pod asks for, or change spec.billing.nodeSelector, tolerations or affinity of the Sovereign`,
    };
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
    .map((container) => containerFailure(metadata.name, container))
    .find((failure) => failure !== undefined);
}

function containerFailure(pod: string, container: ContainerStatus): PodFailure | undefined {
  const { name = "", image = "", state, lastState } = container;
  const { reason = "", message = "no reason given" } = state?.waiting ?? {};
  if (PULL_REASONS.has(reason)) {
    const whose = OWN_CONTAINERS.has(name)
      ? "correct spec.image of the BillingRelease"
      : `container ${name} is not the operator's: correct the image where it is injected`;
    return {
      reason: "ImagePullFailed",
      message: `Pod ${pod} cannot pull ${image}: ${message}: ${whose}, or give the nodes access to the registry`,
    };
  }
  if (CONFIG_REASONS.has(reason))
    return {
      reason: "ContainerConfigInvalid",
      message: `container ${name} of Pod ${pod} cannot start: ${message}: correct the Secret or the setting that it names`,
    };
  // A restarted container still counts as crashed until its Pod is ready.
  const ended = state?.terminated ?? lastState?.terminated;
  return ended === undefined || ended.exitCode === 0 ? undefined : crash(pod, name, ended);
}

/**
 * A container of another product that still runs after the migration ended. A Job is complete when all its containers have
 * ended, so this one would never be complete.
 */
export function findSidecar(pods: readonly PodObject[]): PodFailure | undefined {
  for (const { metadata, status } of pods) {
    const containers = status?.containerStatuses ?? [];
    const migration = containers.find(({ name }) => name === BILLING.migrationContainer);
    if (metadata.deletionTimestamp !== undefined || migration?.state?.terminated?.exitCode !== 0) continue;
    const running = containers.find(({ state }) => state?.terminated === undefined);
    if (running === undefined) continue;
    return {
      reason: "SidecarRunning",
      message:
        `the migration has ended, and container ${running.name} of Pod ${metadata.name}, which is not the operator's, still runs: ` +
        "exclude Jobs from its injection (spec.billing.podAnnotations), or inject it as an init container with restartPolicy Always; then delete the Job",
    };
  }
  return undefined;
}

function crash(pod: string, container: string, { exitCode, reason, message }: Terminated): PodFailure {
  if (reason === "OOMKilled")
    return {
      reason: "OutOfMemory",
      message: `container ${container} of Pod ${pod} used more memory than its limit: raise it`,
    };
  const line = lastLine(message ?? "");
  const cause = line === "" ? "it left no message" : line;
  return {
    reason: "ContainerCrashed",
    message: `container ${container} of Pod ${pod} ended with exit code ${exitCode}: ${cause}`,
  };
}

/**
 * The last line of a termination message, without secrets. Without a message of the container's own, the kubelet takes the
 * end of the log, which may hold secrets.
 */
export function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return redactSecrets(lines.findLast((line) => line !== "") ?? "").slice(0, MAX_LINE);
}

/**
 * Why a Deployment gets no Pods: a quota, a limit range, a policy or Pod security. The Deployment's status repeats the
 * error of its ReplicaSet.
 */
export function findRefusal({ status }: DeploymentObject): PodFailure | undefined {
  const refused = status?.conditions?.find(
    ({ type, status: value }) => type === "ReplicaFailure" && value === "True",
  );
  return refused && refusedPods(refused.message ?? refused.reason ?? "no reason given");
}

export const refusedPods = (cause: string): PodFailure => ({
  reason: "PodsRefused",
  message: `the API server refuses its Pods: ${cause.slice(0, MAX_LINE)}: change the quota, the limit range or the policy that refuses them`,
});
