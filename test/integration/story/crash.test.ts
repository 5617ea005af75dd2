import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { sleep } from "../../../src/platform/shutdown.ts";
import {
  newStateDir,
  type PlaygroundProcess,
  processesWith,
  removeStateDir,
  startPlaygroundProcess,
} from "../../support/playground.ts";

const running: PlaygroundProcess[] = [];
const start = async (...args: Parameters<typeof startPlaygroundProcess>) => {
  const playground = await startPlaygroundProcess(...args);
  running.push(playground);
  return playground;
};

afterEach(async () => {
  for (const playground of running.splice(0)) {
    if (playground.child.exitCode === null && playground.child.signalCode === null) await playground.kill();
    removeStateDir(playground.stateDir);
  }
});

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !holds(); tries += 1) {
    if (tries > 600) throw new Error(`waited in vain for ${what}`);
    await sleep(50);
  }
}

describe("a killed playground", () => {
  it("leaves no process, and the next start converges with one migration for each database", async () => {
    const stateDir = newStateDir();
    for (const moment of ["CRDs are installed", "its database answers", "A sovereign-admin"]) {
      const killed = await start(stateDir, ["--once"], 17_443);
      await until(() => killed.output().includes(moment) || killed.child.exitCode !== null, moment);
      await killed.kill();
      await until(() => processesWith(stateDir).length === 0, "the reaper");
    }
    const playground = await start(stateDir, [], 17_443);
    const sovereigns = await playground.storyTold();
    for (const { databaseUrl } of sovereigns) {
      const client = new pg.Client({ connectionString: databaseUrl });
      await client.connect();
      const { rows } = await client.query(
        "SELECT name, count(*)::int AS runs FROM kysely_migration GROUP BY name",
      );
      await client.end();
      expect(rows.every(({ runs }) => runs === 1)).toBe(true);
    }
    expect(await playground.interrupt()).toBe(0);
  }, 120_000);
});

describe("a playground that cannot start", () => {
  it("names a port in use, exits with 2 and starts nothing", async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, "127.0.0.1", () => resolve((taken.address() as { port: number }).port));
    });
    const playground = await start(newStateDir(), ["--once"], port);
    expect(await playground.exited).toBe(2);
    expect(playground.output()).toContain(
      `port ${port} on 127.0.0.1 cannot be used (EADDRINUSE): choose another with --port`,
    );
    expect(processesWith(playground.stateDir)).toEqual([]);
    taken.close();
  });

  it("names a state directory that cannot be made", async () => {
    const stateDir = newStateDir();
    writeFileSync(stateDir, "a file, not a folder");
    const playground = await start(stateDir, ["--once"]);
    expect(await playground.exited).toBe(2);
    expect(playground.output()).toContain(`the state directory ${stateDir} cannot be written: ENOTDIR`);
    expect(playground.output()).toContain("--state-dir");
  });

  it("names the field of a broken manifest, before anything starts", async () => {
    const examples = join(import.meta.dirname, "../../support/broken-examples");
    const playground = await start(newStateDir(), ["--once", "--examples", examples]);
    expect(await playground.exited).toBe(2);
    expect(playground.output()).toContain(
      "10-sovereign.yaml: Sovereign broken: spec.role must be equal to one of the allowed values",
    );
  });

  it("says which playground holds the state directory", async () => {
    const stateDir = newStateDir();
    const first = await start(stateDir, []);
    await until(() => first.output().includes("CRDs are installed"), "the first playground");
    const second = await start(stateDir, ["--once"]);
    expect(await second.exited).toBe(2);
    expect(second.output()).toContain(`a playground (process ${first.child.pid}) is using ${stateDir}`);
  });
});
