import { connect } from "node:net";
import { sleep } from "../../platform/shutdown.ts";
import type { Container, Probe } from "./pod.ts";

/** Runs a probe once. It succeeds on an HTTP status from 200 to 399, or on an accepted connection. */
async function runProbe(probe: Probe, container: Container, address: string): Promise<boolean> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  if (probe.httpGet !== undefined) {
    const { path = "/", port, scheme = "HTTP" } = probe.httpGet;
    try {
      const url = `${scheme.toLowerCase()}://${address}:${portNumber(port, container)}${path}`;
      const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
      await response.body?.cancel();
      return response.status >= 200 && response.status < 400;
    } catch {
      return false;
    }
  }
  if (probe.tcpSocket !== undefined) {
    const port = portNumber(probe.tcpSocket.port, container);
    return new Promise((resolve) => {
      const socket = connect({ host: address, port, timeout: timeoutMs });
      const end = (isOpen: boolean) => {
        socket.destroy();
        resolve(isOpen);
      };
      socket.once("connect", () => end(true));
      socket.once("error", () => end(false));
      socket.once("timeout", () => end(false));
    });
  }
  return true;
}

/** A port is a number, or the name of one of the container's ports. */
function portNumber(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port);
}

/** Pause after a failure, when the probe's period is longer. */
const FAILURE_RETRY_MS = 100;

export interface ProbeWatch {
  probe: Probe;
  container: Container;
  address: string;
  signal: AbortSignal;
  onSuccess(): void;
  /** Called after `failureThreshold` failures in a row, and again after each further failure. */
  onFailure(): void;
}

/** Runs a probe again and again until the signal fires. `onSuccess` and `onFailure` may abort that signal. */
export async function watchProbe({
  probe,
  container,
  address,
  signal,
  onSuccess,
  onFailure,
}: ProbeWatch): Promise<void> {
  const periodMs = (probe.periodSeconds ?? 10) * 1000;
  let failuresSince: number | undefined;
  let successes = 0;
  await sleep((probe.initialDelaySeconds ?? 0) * 1000, signal);
  while (!signal.aborted) {
    const isUp = await runProbe(probe, container, address);
    if (signal.aborted) return;
    successes = isUp ? successes + 1 : 0;
    if (successes >= (probe.successThreshold ?? 1)) onSuccess();
    if (isUp) failuresSince = undefined;
    else failuresSince ??= performance.now();
    // A failing probe is repeated every 100 ms, so that the story does not wait for the next period. Failures still count once
    // per period of the manifest.
    const failures = failuresSince === undefined ? 0 : 1 + (performance.now() - failuresSince) / periodMs;
    if (failures >= (probe.failureThreshold ?? 3)) onFailure();
    await sleep(isUp ? periodMs : Math.min(periodMs, FAILURE_RETRY_MS), signal);
  }
}
