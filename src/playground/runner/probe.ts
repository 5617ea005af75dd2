import { connect } from "node:net";
import { sleep } from "../../platform/shutdown.ts";
import type { Container, Probe } from "./pod.ts";

/** Asks once. Any HTTP status from 200 to 399, or an accepted connection, is a yes. */
async function askProbe(probe: Probe, container: Container, address: string): Promise<boolean> {
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

/** A port by its number or by the name that the container gives it. */
function portNumber(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port);
}

const EAGER_MS = 100;

export interface ProbeWatch {
  probe: Probe;
  container: Container;
  address: string;
  signal: AbortSignal;
  onSuccess(): void;
  /** After `failureThreshold` failures in a row, and again after each further one. */
  onFailure(): void;
}

/** Asks for as long as the signal lets it; ends early when `onSuccess` or `onFailure` aborts it. */
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
    const isUp = await askProbe(probe, container, address);
    if (signal.aborted) return;
    successes = isUp ? successes + 1 : 0;
    if (successes >= (probe.successThreshold ?? 1)) onSuccess();
    if (isUp) failuresSince = undefined;
    else failuresSince ??= performance.now();
    // Failures count by the period of the manifest, though a process that is not up yet is asked more often than that:
    // the story should not wait for a clock.
    const failures = failuresSince === undefined ? 0 : 1 + (performance.now() - failuresSince) / periodMs;
    if (failures >= (probe.failureThreshold ?? 3)) onFailure();
    await sleep(isUp ? periodMs : Math.min(periodMs, EAGER_MS), signal);
  }
}
