import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { CATALOG, FQDN, JWT_SECRET } from "../builder/billing.ts";
import { createTestDatabase, type TestDatabase } from "../server/postgres.ts";
import { endInOrder } from "./billing-process.ts";

const MAIN = resolve(import.meta.dirname, "../../../src/cli/main.ts");

export let database: TestDatabase;
export let folder: string;
const children: ChildProcess[] = [];

/** A database and a folder for each test, and commands of `catalyst` on them. All processes end after the test. */
export function useBillingCommands(): void {
  beforeEach(async () => {
    database = await createTestDatabase();
    folder = mkdtempSync(join(tmpdir(), "catalyst-process-"));
    writeFileSync(join(folder, "catalog.json"), JSON.stringify(CATALOG));
  });

  afterEach(async () => {
    await Promise.all(children.splice(0).map(endInOrder));
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });
}

interface Started {
  child: ChildProcess;
  /** Rejects when the process ends before it listens. */
  origin: Promise<string>;
  exit: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Starts a command of `catalyst` in a process of its own. */
export function run(args: string[], env: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: {
      PATH: process.env.PATH ?? "",
      DATABASE_URL: database.url,
      SOVEREIGN_FQDN: FQDN,
      HOST: "127.0.0.1",
      PORT: "0",
      JWT_SECRET,
      CATALOG_FILE: join(folder, "catalog.json"),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
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
  return { child, origin, exit: once(child, "close").then(([code]) => ({ code, stdout, stderr })) };
}
