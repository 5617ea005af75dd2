import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MIGRATION_TABLE, SCHEMA_VERSION } from "../../../../src/billing/db/schema.ts";
import { ask } from "../../../support/builder/billing.ts";
import { createBillingProcesses } from "../../../support/process/billing-process.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";
import { createPostgresProxy } from "../../../support/server/postgres-proxy.ts";
import { eventually } from "../../../support/wait.ts";

let database: TestDatabase;
let proxy: Awaited<ReturnType<typeof createPostgresProxy>>;
let processes: ReturnType<typeof createBillingProcesses>;

beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await createPostgresProxy(database.url);
  processes = createBillingProcesses(proxy.url);
});
afterEach(async () => {
  await processes.close();
  proxy.close();
  await database.drop();
});

describe("a database that is unreachable when the service starts", () => {
  it("refuses a database that comes up with another version: exit code 1, and the version that was found", async () => {
    await database.pool.query(
      `INSERT INTO ${MIGRATION_TABLE} (name, timestamp) VALUES ('9999-future', now()::text)`,
    );
    proxy.disconnect();
    const { origin, child, log, end } = await processes.start();
    expect((await ask(origin, "/readyz")).json).toMatchObject({ status: "unavailable" });
    expect(log()).toContain("the database does not answer");
    proxy.reconnect();
    await eventually(() => expect(child.exitCode).not.toBe(null));
    expect(await end("SIGTERM")).toBe(1);
    expect(log()).toContain(
      `the database is at schema version 9999-future, this program needs ${SCHEMA_VERSION}: run the release that migrated it`,
    );
  });
});
