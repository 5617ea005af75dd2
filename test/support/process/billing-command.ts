import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { afterEach, beforeEach } from "vitest";
import { createTestDatabase, type TestDatabase } from "../server/postgres.ts";
import { createCatalogFolder, endInOrder, type StartedCommand, startCommand } from "./billing-process.ts";

export let database: TestDatabase;
export let folder: string;
const children: ChildProcess[] = [];

/** A database and a folder for each test, and commands of `catalyst` on them. All processes end after the test. */
export function useBillingCommands(): void {
  beforeEach(async () => {
    database = await createTestDatabase();
    folder = createCatalogFolder();
  });

  afterEach(async () => {
    await Promise.all(children.splice(0).map(endInOrder));
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });
}

/** Starts a command of `catalyst` in a process of its own. */
export function run(args: string[], env: Record<string, string> = {}): StartedCommand {
  const started = startCommand(args, { databaseUrl: database.url, folder }, env);
  children.push(started.child);
  return started;
}
