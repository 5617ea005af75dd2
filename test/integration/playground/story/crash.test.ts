import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../../../src/billing/db/schema.ts";
import {
  migrationRuns,
  newStateDir,
  processesWith,
  usePlaygrounds,
} from "../../../support/process/playground.ts";
import { until } from "../../../support/wait.ts";

const start = usePlaygrounds();

describe("a killed playground", () => {
  it("leaves no process, and the next start finishes the story and runs no migration twice", async () => {
    const stateDir = newStateDir();
    for (const moment of ["CRDs are installed", "the database is reachable", "A sovereign-admin"]) {
      const killed = await start(stateDir, ["--once"], 17_443);
      await until(() => killed.output().includes(moment) || killed.child.exitCode !== null, moment);
      await killed.kill();
      await until(() => processesWith(stateDir).length === 0, "the watchdog to end all processes");
    }
    const playground = await start(stateDir, [], 17_443);
    const sovereigns = await playground.storyFinished();
    for (const { name, databaseUrl } of sovereigns) {
      const client = new pg.Client({ connectionString: databaseUrl });
      await client.connect();
      const { rows } = await client.query("SELECT name FROM kysely_migration ORDER BY name");
      await client.end();
      expect(rows.map((row) => row.name)).toEqual(MIGRATIONS.map((migration) => migration.name));
      // A kill between a migration and its log line leaves no line. A migration that ran twice would leave two.
      const runs = Object.values(migrationRuns(stateDir, name));
      expect(runs.length).toBeGreaterThanOrEqual(MIGRATIONS.length - 1);
      expect(runs).toEqual(runs.map(() => 1));
    }
    expect(await playground.interrupt()).toBe(0);
  }, 240_000);
});

describe("an interrupted playground", () => {
  it("exits with 1 under --once and with 0 otherwise, and leaves no process and no file", async () => {
    const interrupted = await Promise.all(
      [["--once"], []].map(async (args) => {
        const playground = await start(newStateDir(), args);
        await until(() => playground.output().includes("CRDs are installed"), "the first step");
        return { playground, code: await playground.interrupt() };
      }),
    );
    expect(interrupted.map(({ code }) => code)).toEqual([1, 0]);
    for (const { playground } of interrupted) {
      expect(playground.output()).toContain("stopped before the end of the story");
      expect(existsSync(playground.stateDir)).toBe(false);
      expect(processesWith(playground.stateDir)).toEqual([]);
    }
  });
});

describe("a playground that cannot start", () => {
  it("exits with 2 when the port is in use, and starts nothing", async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, "127.0.0.1", () => resolve((taken.address() as { port: number }).port));
    });
    const playground = await start(newStateDir(), ["--once"], port);
    expect(await playground.exited).toBe(2);
    expect(playground.output()).toContain(
      `port ${port} on 127.0.0.1 cannot be used (EADDRINUSE): choose another one with --port`,
    );
    expect(processesWith(playground.stateDir)).toEqual([]);
    taken.close();
  });

  it("exits with 2 when the state directory cannot be created", async () => {
    const stateDir = newStateDir();
    writeFileSync(stateDir, "a file, not a folder");
    const playground = await start(stateDir, ["--once"]);
    expect(await playground.exited).toBe(2);
    expect(playground.output()).toContain(`the state directory ${stateDir} cannot be written: ENOTDIR`);
    expect(playground.output()).toContain("--state-dir");
  });

  it("refuses a state directory that holds other files, and leaves it as it is", async () => {
    const stateDir = newStateDir();
    mkdirSync(stateDir);
    writeFileSync(join(stateDir, "thesis.txt"), "precious");
    const playground = await start(stateDir, ["--once"]);
    expect(await playground.exited).toBe(2);
    expect(playground.output()).toContain(
      `the state directory ${stateDir} contains files that are not a playground's (thesis.txt): choose an empty or a new one with --state-dir`,
    );
    expect(readdirSync(stateDir)).toEqual(["thesis.txt"]);
  });

  it("names the field of an invalid manifest before it starts anything", async () => {
    const examples = join(import.meta.dirname, "broken-examples");
    const playground = await start(newStateDir(), ["--once", "--examples", examples]);
    expect(await playground.exited).toBe(2);
    expect(playground.output()).toContain(
      '10-sovereign.yaml: Sovereign broken: spec.role: Unsupported value: "Emperor"',
    );
    expect(existsSync(playground.stateDir)).toBe(false);
  });

  it("names the process that uses the state directory", async () => {
    const stateDir = newStateDir();
    const first = await start(stateDir, []);
    await until(() => first.output().includes("CRDs are installed"), "the first playground");
    const second = await start(stateDir, ["--once"]);
    expect(await second.exited).toBe(2);
    expect(second.output()).toContain(`another playground (process ${first.child.pid}) uses ${stateDir}`);
  });
});
