import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { migrateDatabase } from "../../src/billing/db/migrate.ts";
import { createLogger } from "../../src/platform/log.ts";
import { startDatabase } from "../../src/playground/postgres.ts";
import { claimStateDirectory } from "../../src/playground/process/state-directory.ts";
import { createWatchdog } from "../../src/playground/process/watchdog.ts";
import { fillEarlierTables } from "../support/builder/earlier-service.ts";
import { SERVERS } from "../support/server/postgres-version.ts";

const fingerprints = new Map<string, string>();

afterAll(() => {
  expect(fingerprints.size).toBe(8);
  expect(new Set(fingerprints.values()).size, JSON.stringify([...fingerprints])).toBe(1);
});

describe.each(SERVERS)("PostgreSQL $version", ({ version, binaries }) => {
  it("has the same fingerprint after migrating an empty database and the earlier service's, for any settings of the role", async () => {
    if (binaries !== undefined)
      expect(execFileSync(binaries.postgres, ["--version"]).toString()).toContain(` ${version}.`);
    const state = claimStateDirectory(mkdtempSync(join(tmpdir(), `catalyst-postgres-${version}-`)));
    const watchdog = createWatchdog();
    const server = await startDatabase({
      state,
      watchdog,
      settings: { fsync: "off" },
      ...(binaries === undefined ? {} : { binaries }),
    });
    try {
      for (const kind of ["empty", "earlier"]) {
        const databaseUrl = await server.ensureDatabase(kind);
        if (kind === "earlier") await withClient(databaseUrl, (client) => fillEarlierTables(client));
        await withClient(`${server.superuserUrl}/postgres`, async (client) => {
          await client.query(`ALTER ROLE ${kind} SET search_path = pg_catalog, "$user"`);
          await client.query(`ALTER ROLE ${kind} SET datestyle = 'German'`);
          await client.query(`ALTER DATABASE ${kind} SET timezone = 'Asia/Muscat'`);
        });
        const { fingerprint } = await migrateDatabase({
          databaseUrl,
          logger: createLogger("test", "silent"),
          signal: new AbortController().signal,
        });
        fingerprints.set(`${version} ${kind}`, fingerprint);
      }
    } finally {
      await server.close();
      await watchdog.close();
      state.release(true);
    }
  });
});

async function withClient(url: string, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
