import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../../platform/errors.ts";
import { sleep } from "../../platform/shutdown.ts";
import { type Child, startChild } from "../process/child.ts";
import type { Watchdog } from "../process/watchdog.ts";
import { ContainerConfigError, type References, resolveEnvironment, translatePath } from "./environment.ts";
import type { Container, ContainerState, Pod } from "./pod.ts";
import { watchProbe } from "./probe.ts";
import { type FindData, writeVolumes } from "./volume.ts";

/** What an image runs: the entrypoint as it is started on this machine. */
export type Entrypoint = [command: string, ...args: string[]];

export interface ContainerDeps {
  /** Undefined: this machine does not have the image. */
  findImage(image: string): Entrypoint | undefined;
  findData: FindData;
  /** Variables that every process needs on this machine, PATH above all. */
  baseEnv: Record<string, string>;
  /** Folder for this Pod's volumes and files. */
  folder: string;
  logFile: string;
  watchdog: Watchdog;
  /** Prepares the ServiceAccount's kubeconfig; undefined when the Pod gets no token. */
  kubeconfig(): Promise<string | undefined>;
  now: () => Date;
  /** First pause after a crash; Kubernetes waits 10 s. */
  crashBackoffMs: number;
  /** Says what happened, as the kubelet's Events do. */
  tell(type: "Normal" | "Warning", reason: string, message: string): void;
  /** The container's life changed. */
  onChange(state: ContainerState): void;
}

const MISSING_RETRY_MS = 1_000;
const MAX_CRASH_BACKOFF_MS = 30_000;
const STEADY_MS = 10_000;

/**
 * Lives a container's life until the signal fires or its restart policy ends it: waits for its image and its Secrets,
 * starts it, probes it, restarts it with back-off.
 */
export async function runContainer(
  pod: Pod,
  container: Container,
  address: string,
  deps: ContainerDeps,
  signal: AbortSignal,
): Promise<void> {
  const restartPolicy = pod.spec.restartPolicy ?? "Always";
  const before = pod.status?.containerStatuses?.[0];
  let state: ContainerState = {
    kind: "waiting",
    restartCount: before === undefined || pod.status?.phase === "Pending" ? 0 : before.restartCount + 1,
    isReady: false,
    hasStarted: false,
  };
  let crashes = 0;
  const become = (change: Partial<ContainerState>) => {
    state = { ...state, ...change };
    deps.onChange(state);
  };
  const wait = (reason: string, message: string) => {
    if (state.reason !== reason || state.message !== message) deps.tell("Warning", reason, message);
    become({ kind: "waiting", reason, message, isReady: false });
  };

  while (!signal.aborted) {
    const entrypoint = deps.findImage(container.image);
    if (entrypoint === undefined) {
      wait("ImagePullBackOff", `Back-off pulling image "${container.image}": this machine does not have it`);
      await sleep(MISSING_RETRY_MS, signal);
      continue;
    }
    let child: Child;
    const messageFile = join(deps.folder, "termination-message");
    const startedAt = deps.now();
    try {
      child = await start(pod, container, address, entrypoint, messageFile, deps);
    } catch (error) {
      if (!(error instanceof ContainerConfigError)) throw error;
      wait("CreateContainerConfigError", error.message);
      await sleep(MISSING_RETRY_MS, signal);
      continue;
    }
    deps.tell("Normal", "Started", `Started container ${container.name}`);
    become({
      kind: "running",
      startedAt: startedAt.toISOString(),
      hasStarted: container.startupProbe === undefined,
      isReady: false,
    });
    const exitCode = await superviseRunning({
      pod,
      container,
      address,
      child,
      signal,
      become,
      tell: deps.tell,
    });
    const message = readMessage(messageFile);
    const terminated = {
      exitCode,
      reason: exitCode === 0 ? "Completed" : "Error",
      ...(message === "" ? {} : { message }),
      startedAt: startedAt.toISOString(),
      finishedAt: deps.now().toISOString(),
    };
    const isOver =
      restartPolicy === "Never" || (restartPolicy === "OnFailure" && exitCode === 0) || signal.aborted;
    if (isOver) {
      become({ kind: "terminated", terminated, isReady: false });
      return;
    }
    crashes = deps.now().getTime() - startedAt.getTime() > STEADY_MS ? 0 : crashes + 1;
    const backoffMs = Math.min(deps.crashBackoffMs * 2 ** Math.max(0, crashes - 1), MAX_CRASH_BACKOFF_MS);
    become({ lastTerminated: terminated, restartCount: state.restartCount + 1 });
    wait(
      "CrashLoopBackOff",
      `back-off ${backoffMs} ms restarting failed container ${container.name} (exit code ${exitCode})`,
    );
    await sleep(backoffMs, signal);
  }
}

async function start(
  pod: Pod,
  container: Container,
  address: string,
  entrypoint: Entrypoint,
  messageFile: string,
  deps: ContainerDeps,
): Promise<Child> {
  const folders = writeVolumes(pod, join(deps.folder, "volumes"), deps.findData);
  mkdirSync(deps.folder, { recursive: true, mode: 0o700 });
  rmSync(messageFile, { force: true });
  const mountPoints = new Map(
    (container.volumeMounts ?? []).map(({ name, mountPath }) => [mountPath, folders.get(name) ?? ""]),
  );
  mountPoints.set(container.terminationMessagePath ?? "/dev/termination-log", messageFile);
  const references: References = {
    secret: (name, key) => {
      const value = deps.findData("Secret", name)?.data?.[key];
      return value === undefined ? undefined : Buffer.from(value, "base64").toString();
    },
    configMap: (name, key) => deps.findData("ConfigMap", name)?.data?.[key],
  };
  const own = resolveEnvironment(pod, container.env ?? [], address, references);
  const kubeconfig = await deps.kubeconfig();
  const args = (container.args ?? [])
    .map((arg) => expandArgument(arg, own))
    .map((arg) => translatePath(arg, mountPoints));
  const [command, ...rest] =
    container.command === undefined
      ? entrypoint
      : [entrypoint[0], ...entrypoint.slice(1), ...container.command.slice(1)];
  return startChild({
    argv: [command as string, ...rest, ...args],
    env: {
      ...deps.baseEnv,
      // Processes here share one network: the Pod's own address is told to it, as a network namespace would.
      HOST: address,
      ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }),
      ...Object.fromEntries(
        Object.entries(own).map(([name, value]) => [name, translatePath(value, mountPoints)]),
      ),
    },
    logFile: deps.logFile,
    watchdog: deps.watchdog,
  });
}

const expandArgument = (text: string, values: Record<string, string>) =>
  text.replaceAll(/\$\(([A-Za-z_][A-Za-z0-9_]*)\)/g, (match, name: string) => values[name] ?? match);

interface Supervision {
  pod: Pod;
  container: Container;
  address: string;
  child: Child;
  signal: AbortSignal;
  become(change: Partial<ContainerState>): void;
  tell: ContainerDeps["tell"];
}

/** Probes a running process until it ends, ends it when the signal fires or liveness fails; its exit code. */
async function superviseRunning({
  pod,
  container,
  address,
  child,
  signal,
  become,
  tell,
}: Supervision): Promise<number> {
  const graceMs = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  const life = new AbortController();
  const stop = () => {
    become({ isReady: false });
    void child.stop(graceMs);
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const kill = (probe: string) => {
    tell("Warning", "Unhealthy", `${probe} probe failed: container ${container.name} will be restarted`);
    stop();
  };

  const watchLife = async () => {
    const { startupProbe, livenessProbe, readinessProbe } = container;
    const watch = { container, address, signal: life.signal };
    if (startupProbe !== undefined) {
      const startup = new AbortController();
      let hasStarted = false;
      await watchProbe({
        ...watch,
        probe: startupProbe,
        signal: AbortSignal.any([life.signal, startup.signal]),
        onSuccess: () => {
          hasStarted = true;
          startup.abort();
        },
        onFailure: () => startup.abort(),
      });
      if (life.signal.aborted) return;
      if (!hasStarted) return kill("Startup");
    }
    become({ hasStarted: true, isReady: readinessProbe === undefined });
    let isReady = readinessProbe === undefined;
    const setReady = (next: boolean) => {
      if (next === isReady || signal.aborted) return;
      isReady = next;
      become({ isReady });
    };
    await Promise.all([
      readinessProbe &&
        watchProbe({
          ...watch,
          probe: readinessProbe,
          onSuccess: () => setReady(true),
          onFailure: () => setReady(false),
        }),
      livenessProbe &&
        watchProbe({
          ...watch,
          probe: livenessProbe,
          onSuccess: () => {},
          onFailure: () => kill("Liveness"),
        }),
    ]);
  };
  const watching = watchLife().catch((error: unknown) => tell("Warning", "ProbeError", errorMessage(error)));
  const { code } = await child.exited;
  life.abort();
  signal.removeEventListener("abort", stop);
  await watching;
  return code;
}

function readMessage(file: string): string {
  try {
    return readFileSync(file, "utf8").slice(0, 4096).trim();
  } catch {
    return "";
  }
}
