import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { urlHost } from "../../../src/platform/url-host.ts";
import { findFreePort } from "../../../src/playground/process/free-port.ts";
import { eventually } from "../wait.ts";

const MAIN = join(import.meta.dirname, "../../../src/cli/main.ts");

/** A process of the operator that is ready. */
export interface OperatorProcess {
  /** The metrics in Prometheus' text format. */
  metrics(): Promise<string>;
  /** The status and the text of /readyz. */
  readiness(): Promise<[status: number, text: string]>;
  /** Sends SIGTERM, so that the process releases the Lease and ends. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** Starts `catalyst operator` on a cluster. The API server calls its webhook by address. */
export async function startOperatorProcess(
  kubeconfigPath: string,
  env: Readonly<Record<string, string>> = {},
): Promise<OperatorProcess> {
  const [webhookPort, healthPort] = [await findFreePort(), await findFreePort()];
  const operator = spawn(process.execPath, [MAIN, "operator"], {
    env: {
      PATH: process.env.PATH ?? "",
      KUBECONFIG: kubeconfigPath,
      HOST: "127.0.0.1",
      WEBHOOK_PORT: String(webhookPort),
      WEBHOOK_URL: `https://127.0.0.1:${webhookPort}`,
      VOUCHER_API_PORT: "0",
      HTTP_PORT: String(healthPort),
      ...env,
    },
    stdio: "ignore",
  });
  const health = (path: string) => fetch(`http://${urlHost(env.HOST ?? "127.0.0.1")}:${healthPort}${path}`);
  await eventually(async () => {
    const { status } = await health("/readyz");
    if (status !== 200) throw new Error(`the operator is not ready: ${status}`);
  }, 100_000);
  async function end(signal: "SIGTERM" | "SIGKILL") {
    if (operator.exitCode !== null || operator.signalCode !== null) return;
    operator.kill(signal);
    await once(operator, "close");
  }
  return {
    metrics: async () => (await health("/metrics")).text(),
    async readiness() {
      const answer = await health("/readyz");
      return [answer.status, await answer.text()];
    },
    stop: () => end("SIGTERM"),
    close: () => end("SIGKILL"),
  };
}
