import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SCHEMA_VERSION } from "../../../src/billing/db/schema.ts";
import { claimDatabase } from "../../../src/billing/db/sovereign-identity.ts";
import { probeDatabase } from "../../../src/operator/database-probe.ts";
import { createTestDatabase, type TestDatabase } from "../../support/server/postgres.ts";
import { createPostgresProxy } from "../../support/server/postgres-proxy.ts";

const READY = { kind: "ready", schemaVersion: SCHEMA_VERSION };

describe("probeDatabase", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  const probe = (databaseUrl: string, namespace: string, fqdn = "omantel.omani.works") =>
    probeDatabase({ databaseUrl, namespace, fqdn });
  const changed = (change: (url: URL) => void): string => {
    const url = new URL(database.url);
    change(url);
    return url.toString();
  };

  it("finds a database ready that accepts a login, and leaves no connection", async () => {
    expect(await probe(database.url, "ns")).toEqual(READY);
    const { rows } = await database.pool.query(
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'catalyst-operator' AND datname = current_database()",
    );
    expect(rows).toEqual([]);
  });

  it.each(["\n", "\r\n"])("accepts a URL that ends with a line break: %j", async (lineBreak) => {
    expect(await probe(`${database.url}${lineBreak}`, "ns")).toEqual(READY);
    expect(await probe(`${database.url}?sslmode=disable${lineBreak}`, "ns")).toEqual(READY);
  });

  it("reports a database that belongs to another Sovereign", async () => {
    await claimDatabase(database.pool, "omantel.omani.works");
    expect(await probe(database.url, "ns", "bank.om")).toEqual({
      kind: "foreign",
      reason:
        "the database belongs to Sovereign omantel.omani.works, and this is Sovereign bank.om: give this Sovereign a database of its own (to hand the database over, see docs/billing/operations.md)",
    });
    expect(await probe(database.url, "ns", "omantel.omani.works")).toEqual(READY);
  });

  it("finds no schema in an empty database, and none that the login may not read", async () => {
    const empty = await createTestDatabase("empty");
    expect(await probe(empty.url, "ns")).toEqual({ kind: "ready", schemaVersion: null });
    await empty.drop();
    const role = `reader_${process.pid}`;
    await database.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reader'`);
    const limited = changed((url) => {
      url.username = role;
      url.password = "reader";
    });
    expect(await probe(limited, "ns")).toEqual({ kind: "ready" });
    await database.pool.query(`DROP ROLE ${role}`);
  });

  it.each<[string, (url: URL) => void, string]>([
    [
      "a wrong password",
      (url) => {
        url.password = "hunter2";
      },
      "the database refuses the user or the password",
    ],
    [
      "another database",
      (url) => {
        url.pathname = "/nowhere";
      },
      "the server has no database of this name",
    ],
    [
      "a port where nothing listens",
      (url) => {
        url.port = "1";
      },
      "nothing listens at this host and port",
    ],
    [
      "another scheme",
      (url) => {
        url.protocol = "mysql:";
      },
      "postgresql://user:password@host:port/database",
    ],
  ])("gives the reason without the password: %s", async (_, change, words) => {
    const url = changed(change);
    const answer = await probe(url, "ns");
    expect(answer).toMatchObject({ kind: "unready", reason: expect.stringContaining(words) });
    expect(JSON.stringify(answer)).not.toMatch(/hunter2/);
    expect(JSON.stringify(answer)).not.toContain(url);
  });

  it("returns unready for a server that never answers", async () => {
    const silent = createServer((socket) => socket.on("error", () => undefined)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const answer = await probe(`postgresql://user:hunter2@127.0.0.1:${port}/db`, "ns");
    expect(answer).toEqual({ kind: "unready", reason: "the server does not answer (timeout)" });
    silent.close();
  });

  it("ends although the database does not close the connection", async () => {
    const proxy = await createPostgresProxy(database.url);
    proxy.hangAtEnd();
    expect(await probe(proxy.url, "ns")).toEqual(READY);
    proxy.close();
  });

  it("returns untested for a URL whose TLS files only the workload has", async () => {
    const answer = await probe(`${database.url}?sslmode=verify-full&sslrootcert=/no/ca.crt`, "ns");
    expect(answer.kind).toBe("untested");
  });

  it("resolves a host name without a dot as a Service of the namespace", async () => {
    const answer = await probe("postgresql://user:pw@postgres:5432/db", "sovereign-omantel");
    expect(answer).toEqual({ kind: "unready", reason: "the host name cannot be resolved" });
  });
});
