import type { KubernetesObject } from "../../api/object.ts";

// The parts of a Pod that the runner reads. It refuses a Pod with a part that `unsupported.ts` names, and ignores parts that
// are not declared here.

export interface Pod extends KubernetesObject {
  spec: PodSpec;
  status?: PodStatus;
}

export interface PodSpec {
  nodeName?: string;
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
  restartPolicy?: "Always" | "OnFailure" | "Never";
  terminationGracePeriodSeconds?: number;
  containers: Container[];
  initContainers?: unknown[];
  volumes?: Volume[];
}

export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: EnvVariable[];
  envFrom?: unknown[];
  lifecycle?: object;
  workingDir?: string;
  ports?: { name?: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string }[];
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  terminationMessagePath?: string;
  terminationMessagePolicy?: "File" | "FallbackToLogsOnError";
}

export interface EnvVariable {
  name: string;
  value?: string;
  valueFrom?: {
    secretKeyRef?: { name: string; key: string; optional?: boolean };
    configMapKeyRef?: { name: string; key: string; optional?: boolean };
    fieldRef?: { fieldPath: string };
  };
}

export interface Volume {
  name: string;
  configMap?: { name: string };
  secret?: { secretName: string };
  emptyDir?: object;
}

export interface Probe {
  httpGet?: { path?: string; port: number | string; scheme?: string };
  tcpSocket?: { port: number | string };
  exec?: object;
  grpc?: object;
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  failureThreshold?: number;
  successThreshold?: number;
  /** Replaces the Pod's when this probe ends a container. */
  terminationGracePeriodSeconds?: number;
}

export interface Terminated {
  exitCode: number;
  reason: string;
  message?: string;
  startedAt: string;
  finishedAt: string;
}

/** The state of the Pod's one container, from which the Pod's status is computed. Times are RFC 3339. */
export interface ContainerState {
  kind: "waiting" | "running" | "terminated";
  reason?: string;
  message?: string;
  startedAt?: string;
  terminated?: Terminated;
  lastTerminated?: Terminated;
  restartCount: number;
  isReady: boolean;
  hasStarted: boolean;
}

export interface PodStatus {
  phase: "Pending" | "Running" | "Succeeded" | "Failed";
  podIP?: string;
  conditions?: { type: string; status: string; lastTransitionTime: string }[];
  containerStatuses?: {
    name: string;
    restartCount: number;
    state?: object;
    lastState?: { terminated?: Terminated };
    [other: string]: unknown;
  }[];
  [other: string]: unknown;
}

/** The status that a kubelet would write. A condition keeps its transition time while its status stays the same. */
export function podStatus(pod: Pod, address: string, state: ContainerState, now: string): PodStatus {
  const [container] = pod.spec.containers;
  const phase =
    state.kind === "terminated"
      ? state.terminated?.exitCode === 0
        ? "Succeeded"
        : "Failed"
      : state.startedAt === undefined && state.lastTerminated === undefined
        ? "Pending"
        : "Running";
  const condition = (type: string, holds: boolean) => {
    const status = holds ? "True" : "False";
    const previous = pod.status?.conditions?.find((known) => known.type === type);
    return {
      type,
      status,
      lastTransitionTime: previous?.status === status ? previous.lastTransitionTime : now,
    };
  };
  return {
    phase,
    hostIP: "127.0.0.1",
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: pod.metadata.creationTimestamp ?? now,
    conditions: [
      condition("PodScheduled", true),
      condition("Initialized", true),
      condition("ContainersReady", state.isReady),
      condition("Ready", state.isReady),
    ],
    containerStatuses: [
      {
        name: container?.name ?? "",
        image: container?.image ?? "",
        imageID: container?.image ?? "",
        ready: state.isReady,
        started: state.hasStarted,
        restartCount: state.restartCount,
        state: containerState(state),
        ...(state.lastTerminated === undefined ? {} : { lastState: { terminated: state.lastTerminated } }),
      },
    ],
  };
}

function containerState(state: ContainerState): object {
  if (state.kind === "running") return { running: { startedAt: state.startedAt } };
  if (state.kind === "terminated") return { terminated: state.terminated };
  return {
    waiting: {
      reason: state.reason ?? "ContainerCreating",
      ...(state.message === undefined ? {} : { message: state.message }),
    },
  };
}
