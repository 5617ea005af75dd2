import { errorMessage } from "../../platform/errors.ts";
import type { Child } from "../process/child.ts";
import type { Container, ContainerState, Pod } from "./pod.ts";
import { watchProbe } from "./probe.ts";

interface Supervision {
  pod: Pod;
  container: Container;
  address: string;
  child: Child;
  /** Stops the container. */
  signal: AbortSignal;
  update(change: Partial<ContainerState>): void;
  recordEvent(type: "Normal" | "Warning", reason: string, message: string): void;
}

/**
 * Probes a running process until it ends, and returns its exit code. Stops the process when the signal fires, when its
 * startup probe fails, or when its liveness probe fails.
 */
export async function superviseContainer(supervision: Supervision): Promise<number> {
  const { pod, container, child, signal, update, recordEvent } = supervision;
  const graceMs = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  const exited = new AbortController();
  const stop = (ms = graceMs) => {
    update({ isReady: false });
    void child.stop(ms);
  };
  const stopWithPod = () => stop();
  const stopUnhealthy = (probe: "startup" | "liveness") => {
    const name = probe === "startup" ? "Startup" : "Liveness";
    const message = `${name} probe failed: container ${container.name} will be restarted`;
    recordEvent("Warning", "Unhealthy", message);
    const { terminationGracePeriodSeconds: seconds } = container[`${probe}Probe`] ?? {};
    stop(seconds === undefined ? graceMs : seconds * 1000);
  };
  signal.addEventListener("abort", stopWithPod, { once: true });
  if (signal.aborted) stop();
  const probing = runProbes(supervision, exited.signal, stopUnhealthy).catch((error: unknown) =>
    recordEvent("Warning", "ProbeError", errorMessage(error)),
  );
  const { code } = await child.exited;
  exited.abort();
  signal.removeEventListener("abort", stopWithPod);
  await probing;
  return code;
}

async function runProbes(
  { container, address, signal, update }: Supervision,
  exited: AbortSignal,
  stopUnhealthy: (probe: "startup" | "liveness") => void,
): Promise<void> {
  const { startupProbe, livenessProbe, readinessProbe } = container;
  const watch = { container, address, signal: exited };
  if (startupProbe !== undefined) {
    const startup = new AbortController();
    let hasStarted = false;
    await watchProbe({
      ...watch,
      probe: startupProbe,
      signal: AbortSignal.any([exited, startup.signal]),
      onSuccess: () => {
        hasStarted = true;
        startup.abort();
      },
      onFailure: () => startup.abort(),
    });
    if (exited.aborted) return;
    if (!hasStarted) return stopUnhealthy("startup");
  }
  let isReady = readinessProbe === undefined;
  update({ hasStarted: true, isReady });
  const setReady = (next: boolean) => {
    if (next === isReady || signal.aborted) return;
    isReady = next;
    update({ isReady });
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
        onFailure: () => stopUnhealthy("liveness"),
      }),
  ]);
}
