import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../../platform/shutdown.ts";
import type { Child } from "../process/child.ts";
import { type ContainerProcessDeps, type Entrypoint, startContainerProcess } from "./container-process.ts";
import { superviseContainer } from "./container-supervision.ts";
import { ContainerConfigError } from "./environment.ts";
import type { Container, ContainerState, Pod, Terminated } from "./pod.ts";

export interface ContainerDeps extends ContainerProcessDeps {
  /** Undefined: this machine does not have the image. */
  findImage(image: string): Entrypoint | undefined;
  now: () => Date;
  /** First pause after a crash; Kubernetes waits 10 s. */
  crashBackoffMs: number;
  /** Records an Event on the Pod, as the kubelet does. */
  recordEvent(type: "Normal" | "Warning", reason: string, message: string): void;
  onChange(state: ContainerState): void;
}

type Start =
  | { kind: "started"; child: Child; startedAt: Date }
  /** It cannot start yet, for this reason. It may be tried again. */
  | { kind: "waiting"; reason: string; message: string };

const START_RETRY_MS = 1_000;
const MAX_CRASH_BACKOFF_MS = 30_000;
/** A container that ran for longer than this starts again with the first back-off. */
const STABLE_AFTER_MS = 10_000;

/**
 * Runs a container until the signal fires or its restart policy ends it: waits for its image and its Secrets, starts it,
 * probes it, and restarts it with back-off.
 */
export async function runContainer(
  pod: Pod,
  container: Container,
  address: string,
  deps: ContainerDeps,
  signal: AbortSignal,
): Promise<void> {
  const messageFile = join(deps.folder, "termination-message");
  let state = initialState(pod);
  let crashes = 0;
  const update = (change: Partial<ContainerState>) => {
    state = { ...state, ...change };
    deps.onChange(state);
  };
  const wait = (reason: string, message: string) => {
    if (state.reason !== reason || state.message !== message) deps.recordEvent("Warning", reason, message);
    update({ kind: "waiting", reason, message, isReady: false });
  };

  while (!signal.aborted) {
    const start = await tryStart(pod, container, address, messageFile, deps);
    if (start.kind === "waiting") {
      wait(start.reason, start.message);
      await sleep(START_RETRY_MS, signal);
      continue;
    }
    const { child, startedAt } = start;
    deps.recordEvent("Normal", "Started", `Started container ${container.name}`);
    update({
      kind: "running",
      startedAt: startedAt.toISOString(),
      hasStarted: container.startupProbe === undefined,
      isReady: false,
    });
    const { recordEvent } = deps;
    const exitCode = await superviseContainer({
      pod,
      container,
      address,
      child,
      signal,
      update,
      recordEvent,
    });
    const terminated = terminatedState(
      exitCode,
      readMessage(messageFile) || readLogEnd(container, exitCode, deps.logFile),
      startedAt,
      deps.now(),
    );
    if (signal.aborted || isOver(pod, exitCode)) {
      update({ kind: "terminated", terminated, isReady: false });
      return;
    }
    crashes = deps.now().getTime() - startedAt.getTime() > STABLE_AFTER_MS ? 0 : crashes + 1;
    const backoffMs = Math.min(deps.crashBackoffMs * 2 ** Math.max(0, crashes - 1), MAX_CRASH_BACKOFF_MS);
    update({ lastTerminated: terminated, restartCount: state.restartCount + 1 });
    wait(
      "CrashLoopBackOff",
      `back-off ${backoffMs} ms restarting failed container ${container.name} (exit code ${exitCode})`,
    );
    await sleep(backoffMs, signal);
  }
}

/** The state before the first start. A Pod that an earlier playground ran counts this start as a restart. */
function initialState({ status }: Pod): ContainerState {
  const before = status?.containerStatuses?.[0];
  return {
    kind: "waiting",
    restartCount: before === undefined || status?.phase === "Pending" ? 0 : before.restartCount + 1,
    isReady: false,
    hasStarted: false,
  };
}

async function tryStart(
  pod: Pod,
  container: Container,
  address: string,
  messageFile: string,
  deps: ContainerDeps,
): Promise<Start> {
  const entrypoint = deps.findImage(container.image);
  if (entrypoint === undefined)
    return {
      kind: "waiting",
      reason: "ImagePullBackOff",
      message: `Back-off pulling image "${container.image}": this machine does not have it`,
    };
  const startedAt = deps.now();
  try {
    const child = await startContainerProcess({ pod, container, address, entrypoint, messageFile }, deps);
    return { kind: "started", child, startedAt };
  } catch (error) {
    if (!(error instanceof ContainerConfigError)) throw error;
    return { kind: "waiting", reason: "CreateContainerConfigError", message: error.message };
  }
}

function isOver({ spec: { restartPolicy = "Always" } }: Pod, exitCode: number): boolean {
  return restartPolicy === "Never" || (restartPolicy === "OnFailure" && exitCode === 0);
}

function terminatedState(exitCode: number, message: string, startedAt: Date, finishedAt: Date): Terminated {
  return {
    exitCode,
    reason: exitCode === 0 ? "Completed" : "Error",
    ...(message === "" ? {} : { message }),
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
  };
}

function readMessage(file: string): string {
  try {
    return readFileSync(file, "utf8").slice(0, 4096).trim();
  } catch {
    return "";
  }
}

/**
 * The end of a failed container's log, which the kubelet uses when the container left no message: at most 80 lines and
 * 2,048 bytes.
 */
function readLogEnd({ terminationMessagePolicy }: Container, exitCode: number, logFile: string): string {
  if (terminationMessagePolicy !== "FallbackToLogsOnError" || exitCode === 0) return "";
  try {
    const lines = readFileSync(logFile).subarray(-2048).toString().trim().split("\n");
    return lines.slice(-80).join("\n");
  } catch {
    return "";
  }
}
