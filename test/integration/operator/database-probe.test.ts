import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probeDatabase } from "../../../src/operator/database-probe.ts";
import { createTestDatabase, type TestDatabase } from "../../support/server/postgres.ts";

describe("probeDatabase", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  const changed = (change: (url: URL) => void): string => {
    const url = new URL(database.url);
    change(url);
    return url.toString();
  };

  it("finds a database ready that accepts a login, and leaves no connection", async () => {
    expect(await probeDatabase(database.url, "ns")).toEqual({ kind: "ready" });
    const { rows } = await database.pool.query(
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'catalyst-operator' AND datname = current_database()",
    );
    expect(rows).toEqual([]);
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
    const probe = await probeDatabase(url, "ns");
    expect(probe).toMatchObject({ kind: "unready", reason: expect.stringContaining(words) });
    expect(JSON.stringify(probe)).not.toMatch(/hunter2/);
    expect(JSON.stringify(probe)).not.toContain(url);
  });

  it("returns unready for a server that never answers", async () => {
    const silent = createServer((socket) => socket.on("error", () => undefined)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const probe = await probeDatabase(`postgresql://user:hunter2@127.0.0.1:${port}/db`, "ns");
    expect(probe).toEqual({ kind: "unready", reason: "the server does not answer (timeout)" });
    silent.close();
  });

  it("returns untested for a URL whose TLS files only the workload has", async () => {
    const probe = await probeDatabase(`${database.url}?sslmode=verify-full&sslrootcert=/no/ca.crt`, "ns");
    expect(probe.kind).toBe("untested");
  });

  it("resolves a host name without a dot as a Service of the namespace", async () => {
    const probe = await probeDatabase("postgresql://user:pw@postgres:5432/db", "sovereign-omantel");
    expect(probe).toEqual({ kind: "unready", reason: "the host name cannot be resolved" });
  });
});
