import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../../../src/platform/shutdown.ts";
import { type Child, startChild } from "../../../src/playground/process/child.ts";
import type { Watchdog } from "../../../src/playground/process/watchdog.ts";
import { imageNodeOptions } from "../image-option.ts";
import { FQDN, JWT_SECRET } from "./token.ts";

export interface BillingProcess {
  pid: number;
  port: number;
  /** The address of its profiler. Undefined unless it was started with `--inspect`. */
  inspectorUrl: string | undefined;
  stop(): Promise<void>;
}

const MAIN = join(import.meta.dirname, "../../../src/cli/main.ts");
const START_TIMEOUT_MS = 30_000;

/** Starts a real `catalyst billing` as the image does. */
export async function startBillingProcess(deps: {
  databaseUrl: string;
  neighbourPort: number;
  logFile: string;
  watchdog: Watchdog;
  nodeArgs?: readonly string[];
}): Promise<BillingProcess> {
  const { databaseUrl, neighbourPort, logFile, watchdog, nodeArgs = [] } = deps;
  const child = await startChild({
    argv: [process.execPath, ...imageNodeOptions(), ...nodeArgs, MAIN, "billing"],
    env: {
      DATABASE_URL: databaseUrl,
      SOVEREIGN_FQDN: FQDN,
      JWT_SECRET,
      HOST: "127.0.0.1",
      PORT: "0",
      CATALOG_URL: `http://127.0.0.1:${neighbourPort}`,
      PREVIEW_LIMIT: "0",
      PREVIEW_MISS_LIMIT: "0",
    },
    logFile,
    watchdog,
  });
  const log = await logOnceListening(child, logFile);
  return {
    pid: child.pid,
    port: Number(ORIGIN.exec(log)?.[1]),
    inspectorUrl: /Debugger listening on (ws:\S+)/.exec(log)?.[1],
    stop: () => child.stop(10_000),
  };
}

const ORIGIN = /"origin":"http:\/\/127\.0\.0\.1:(\d+)"/;

async function logOnceListening(child: Child, logFile: string): Promise<string> {
  const untilMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const log = readFileSync(logFile, "utf8");
    if (ORIGIN.test(log)) return log;
    if (!child.isRunning() || performance.now() > untilMs)
      throw new Error(`billing did not start:\n${log.slice(-2_000)}`);
    await sleep(20);
  }
}
