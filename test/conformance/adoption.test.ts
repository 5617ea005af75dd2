import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { migrateDatabase } from "../../src/billing/db/migrate.ts";
import { PreflightError } from "../../src/billing/db/preflight/finding.ts";
import { readSchemaState } from "../../src/billing/db/schema-state.ts";
import { createLogger } from "../../src/platform/log.ts";
import { startDatabase } from "../../src/playground/postgres.ts";
import { claimStateDirectory } from "../../src/playground/process/state-directory.ts";
import { createWatchdog } from "../../src/playground/process/watchdog.ts";
import { OBSTACLES } from "../support/builder/adoption-obstacle.ts";
import { fillEarlierTables } from "../support/builder/earlier-service.ts";
import { SERVERS } from "../support/server/postgres-version.ts";

const DRIFT = `ALTER TABLE promo_codes ADD COLUMN extra int, ALTER COLUMN active SET DEFAULT false; DROP INDEX orders_tenant_idx;
  ALTER TABLE outbox ALTER COLUMN payload DROP NOT NULL; ALTER TABLE credit_ledger DISABLE TRIGGER credit_ledger_append_only;
  CREATE POLICY own ON orders USING (tenant_id <> ''); CREATE RULE keep AS ON DELETE TO promo_redemptions DO INSTEAD NOTHING`;

/** The exact texts from each version of PostgreSQL. */
const answers = new Map<number, { refusals: string[]; drift: string[] }>();

afterAll(() => {
  const [first, ...others] = answers.values();
  expect(others).toHaveLength(SERVERS.length - 1);
  for (const other of others) expect(other).toEqual(first);
});

describe.each(SERVERS)("PostgreSQL $version", ({ version, binaries }) => {
  it("reports the same obstacles and the same drift with the same texts", async () => {
    const state = claimStateDirectory(join(tmpdir(), `catalyst-adoption-${randomUUID()}`));
    const watchdog = createWatchdog();
    const server = await startDatabase({
      state,
      watchdog,
      settings: { fsync: "off" },
      ...(binaries === undefined ? {} : { binaries }),
    });
    try {
      const refusals: string[] = [];
      for (const [index, { add, rule, object }] of OBSTACLES.entries()) {
        const url = await server.ensureDatabase(`obstacle${index}`);
        await withClient(url, async (client) => {
          await fillEarlierTables(client);
          await client.query(add);
        });
        const error = await migrate(url).catch((thrown: unknown) => thrown);
        if (!(error instanceof PreflightError)) throw new Error(`${rule} was no obstacle: ${object}`);
        expect(error.findings).toMatchObject([{ rule, object }]);
        refusals.push(error.message);
      }
      const url = await server.ensureDatabase("drift");
      await migrate(url);
      const drift = await withClient(url, async (client) => {
        await client.query(DRIFT);
        return (await readSchemaState(client)).drift;
      });
      expect(drift).toHaveLength(7);
      answers.set(version, { refusals, drift });
    } finally {
      await server.close();
      await watchdog.close();
      state.release(true);
    }
  }, 180_000);
});

function migrate(databaseUrl: string) {
  return migrateDatabase({
    databaseUrl,
    logger: createLogger("test", "silent"),
    signal: new AbortController().signal,
  });
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
