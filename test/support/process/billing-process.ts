import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CATALOG, FQDN, JWT_SECRET } from "../builder/billing.ts";

const MAIN = resolve(import.meta.dirname, "../../../src/cli/main.ts");

export interface BillingProcess {
  child: ChildProcess;
  origin: string;
  /** The log so far. */
  log(): string;
  /** Sends the signal, waits for the end and returns the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface StartedCommand {
  child: ChildProcess;
  /** Rejects when the process ends before it listens. */
  origin: Promise<string>;
  exit: Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** The log so far. */
  log(): string;
}

/** A new folder with the catalogue that started commands read. */
export function createCatalogFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-billing-process-"));
  writeFileSync(join(folder, "catalog.json"), JSON.stringify(CATALOG));
  return folder;
}

/** Starts a command of `catalyst` on a billing database, in a process of its own. `folder` has the catalogue. */
export function startCommand(
  args: string[],
  { databaseUrl, folder }: { databaseUrl: string; folder: string },
  env: Record<string, string>,
): StartedCommand {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: {
      PATH: process.env.PATH ?? "",
      DATABASE_URL: databaseUrl,
      SOVEREIGN_FQDN: FQDN,
      HOST: "127.0.0.1",
      PORT: "0",
      JWT_SECRET,
      CATALOG_FILE: join(folder, "catalog.json"),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  const origin = new Promise<string>((done, fail) => {
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
      const found = /"origin":"([^"]+)"/.exec(stderr)?.[1];
      if (found !== undefined) done(found);
    });
    child.on("close", () => fail(new Error(stderr)));
  });
  origin.catch(() => undefined);
  const exit = once(child, "close").then(([code]) => ({ code, stdout, stderr }));
  return { child, origin, exit, log: () => stderr };
}

/** Processes of `catalyst billing` on one database, ended together. */
export function createBillingProcesses(databaseUrl: string) {
  const folder = createCatalogFolder();
  const processes: BillingProcess[] = [];

  async function start(env: Record<string, string> = {}): Promise<BillingProcess> {
    const { child, origin, exit, log } = startCommand(["billing"], { databaseUrl, folder }, env);
    const running: BillingProcess = {
      child,
      origin: await origin,
      log,
      async end(signal) {
        if (child.exitCode === null && child.signalCode === null) child.kill(signal);
        return (await exit).code;
      },
    };
    processes.push(running);
    return running;
  }

  return {
    start,
    async close() {
      await Promise.all(processes.map(({ child }) => endInOrder(child)));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The default of `terminationGracePeriodSeconds`. */
const GRACE_MS = 30_000;

/** Ends the process as a cluster ends a Pod: with SIGTERM, and with SIGKILL if it does not end. */
export async function endInOrder(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  const closed = once(child, "close");
  child.kill("SIGTERM");
  await closed;
  clearTimeout(timer);
}
