import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../../../src/platform/shutdown.ts";
import { startChild } from "../../../src/playground/process/child.ts";
import { findFreePort } from "../../../src/playground/process/free-port.ts";
import type { Watchdog } from "../../../src/playground/process/watchdog.ts";
import { imageNodeOptions } from "../image-option.ts";
import { cpuSeconds } from "../process-figure.ts";

export interface OperatorProcess {
  pid: number;
  webhookPort: number;
  /** The address of its inspector, which the first call opens. */
  inspectorUrl(): Promise<string>;
  /** Rejects with the end of the log when the process ends without being stopped. */
  ended: Promise<never>;
  stop(): Promise<void>;
  /** Kills the process, as a crash would. */
  kill(): Promise<void>;
}

const MAIN = join(import.meta.dirname, "../../../src/cli/main.ts");
const START_TIMEOUT_MS = 120_000;
const INSPECTOR_TIMEOUT_MS = 10_000;
const SETTLE_TIMEOUT_MS = 300_000;
/** An operator that uses less processor time than this in a second only renews its Lease. */
const IDLE_SECONDS = 0.05;

/** Starts a real `catalyst operator` as the image does, and waits until it is ready. */
export async function startOperatorProcess(deps: {
  kubeconfigPath: string;
  logFile: string;
  watchdog: Watchdog;
  env?: Readonly<Record<string, string>>;
}): Promise<OperatorProcess> {
  const { kubeconfigPath, logFile, watchdog, env = {} } = deps;
  const [webhookPort, healthPort] = [await findFreePort(), await findFreePort()];
  const child = await startChild({
    argv: [process.execPath, ...imageNodeOptions(), "--inspect-port=127.0.0.1:0", MAIN, "operator"],
    env: {
      KUBECONFIG: kubeconfigPath,
      HOST: "127.0.0.1",
      WEBHOOK_PORT: String(webhookPort),
      WEBHOOK_URL: `https://127.0.0.1:${webhookPort}`,
      VOUCHER_API_PORT: "0",
      HTTP_PORT: String(healthPort),
      ...env,
    },
    logFile,
    watchdog,
  });
  await waitUntil(START_TIMEOUT_MS, `the operator did not become ready; its log is ${logFile}`, async () => {
    if (!child.isRunning())
      throw new Error(`the operator ended:\n${readFileSync(logFile, "utf8").slice(-2_000)}`);
    const answer = await fetch(`http://127.0.0.1:${healthPort}/readyz`).catch(() => undefined);
    return answer?.status === 200;
  });
  let isAsked = false;
  const ended = child.exited.then(({ code }) => {
    if (isAsked) return new Promise<never>(() => {});
    throw new Error(`the operator ended with code ${code}:\n${readFileSync(logFile, "utf8").slice(-2_000)}`);
  });
  // Without this handler, an unawaited rejection would end the bench.
  ended.catch(() => {});
  const end = (graceMs: number, signal?: NodeJS.Signals) => {
    isAsked = true;
    return child.stop(graceMs, signal);
  };
  return {
    ended,
    pid: child.pid,
    webhookPort,
    async inspectorUrl() {
      const url = () => /Debugger listening on (ws:\S+)/.exec(readFileSync(logFile, "utf8"))?.[1];
      if (url() === undefined) child.kill("SIGUSR1");
      await waitUntil(
        INSPECTOR_TIMEOUT_MS,
        "the operator opens no inspector",
        async () => url() !== undefined,
      );
      return url() ?? "";
    },
    stop: () => end(20_000),
    kill: () => end(0, "SIGKILL"),
  };
}

/** Waits until the operator has reconciled the fleet. After that, its processor time comes only from reviews. */
export async function settle({ pid }: OperatorProcess): Promise<void> {
  await waitUntil(SETTLE_TIMEOUT_MS, "the operator does not come to rest", async () => {
    const before = cpuSeconds(pid);
    await sleep(1_000);
    return cpuSeconds(pid) - before < IDLE_SECONDS;
  });
}

async function waitUntil(timeoutMs: number, problem: string, holds: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > untilMs) throw new Error(problem);
    await sleep(100);
  }
}
