import { BILLING } from "../../api/name.ts";
import { redactSecrets } from "../../platform/log.ts";
import {
  type ContainerStatus,
  type DeploymentObject,
  isReadyPod,
  type PodObject,
  type Terminated,
} from "./observed.ts";

/** Why Pods do not run, and what a person can do. */
export interface PodFailure {
  reason: string;
  message: string;
}

/** The kubelet's reasons while it cannot get an image. It changes between them at each try. */
const PULL_REASONS = new Set([
  ...["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"],
  ...["RegistryUnavailable", "ImageInspectError", "SignatureValidationFailed"],
]);
const CONFIG_REASONS = new Set(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);
/** Others were injected, by a mesh for example, and have images of their own. */
const OWN_CONTAINERS: ReadonlySet<string> = new Set([BILLING.workload, BILLING.migrationContainer]);
const MAX_LINE = 500;

/** The failure of the newest Pod that has one. Pods that are ready, or that are being deleted, have none. */
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
      message: `no node takes Pod ${metadata.name}: ${unscheduled.message ?? "no reason given"}: add capacity, or lower what the Pod asks for`,
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
  // A container that runs again after a crash is still the one that crashed, until it is ready.
  const ended = state?.terminated ?? lastState?.terminated;
  return ended === undefined || ended.exitCode === 0 ? undefined : crash(pod, name, ended);
}

function crash(pod: string, container: string, { exitCode, reason, message }: Terminated): PodFailure {
  if (reason === "OOMKilled")
    return {
      reason: "OutOfMemory",
      message: `container ${container} of Pod ${pod} used more memory than its limit: raise it`,
    };
  const line = lastLine(message ?? "");
  const said = line === "" ? "it left no message" : line;
  return {
    reason: "ContainerCrashed",
    message: `container ${container} of Pod ${pod} ended with exit code ${exitCode}: ${said}`,
  };
}

/** A termination message is the end of the log where the container left none, so it may hold what a log may not. */
export function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return redactSecrets(lines.findLast((line) => line !== "") ?? "").slice(0, MAX_LINE);
}

/** Why a Deployment gets no Pods: a quota, a policy or Pod security. The Deployment's status repeats the refusal of its ReplicaSet. */
export function findRefusal({ status }: DeploymentObject): PodFailure | undefined {
  const refused = status?.conditions?.find(
    ({ type, status: value }) => type === "ReplicaFailure" && value === "True",
  );
  if (refused === undefined) return undefined;
  return {
    reason: "PodsRefused",
    message: `the API server refuses its Pods: ${refused.message ?? refused.reason ?? "no reason given"}: raise the quota, or change the policy that refuses them`,
  };
}
