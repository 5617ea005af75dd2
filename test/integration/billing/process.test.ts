import { Agent, get } from "node:http";
import { describe, expect, it } from "vitest";
import { readRequestCount } from "../../../src/billing/http/request-count.ts";
import { ask, JWT_SECRET, signToken } from "../../support/builder/billing.ts";
import { database, run, useBillingCommands } from "../../support/process/billing-command.ts";
import { createTestDatabase } from "../../support/server/postgres.ts";
import { createPostgresProxy } from "../../support/server/postgres-proxy.ts";
import { eventually } from "../../support/wait.ts";

useBillingCommands();

describe("catalyst billing", () => {
  it("refuses a database of another version, and names the version it found", async () => {
    const empty = await createTestDatabase("empty");
    await database.pool.query(
      "INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-future', now()::text)",
    );
    const [onEmpty, onNewer] = await Promise.all([
      run(["billing"], { DATABASE_URL: empty.url }).exit,
      run(["billing"]).exit,
    ]);
    await empty.drop();
    expect([onEmpty.code, onNewer.code]).toEqual([1, 1]);
    expect(onEmpty.stderr).toContain("the database has no billing schema");
    expect(onEmpty.stderr).toContain("run catalyst migrate");
    expect(onNewer.stderr).toContain("the database is at schema version 9999-future");
  });

  it("refuses wrong usage with one line and exit code 2", async () => {
    const cases: [Record<string, string>, string][] = [
      [{ JWT_SECRET: "short" }, "JWT_SECRET must have at least 32 bytes"],
      [{ JWT_SECRET: "" }, "JWT_SECRET is empty"],
      [{ JWT_SECRET: " ".repeat(64) }, "JWT_SECRET must have at least 32 bytes"],
      [{ SOVEREIGN_FQDN: "" }, "SOVEREIGN_FQDN is required"],
      [{ CATALOG_FILE: "/nowhere.json" }, "/nowhere.json"],
      [{ OIDC_ISSUER: "https://x.example" }, "OIDC_AUDIENCE"],
      [{ TRUSTED_PROXIES: "everybody" }, "TRUSTED_PROXIES"],
      [{ PREVIEW_LIMIT: "-1" }, "PREVIEW_LIMIT"],
      [{ REDPANDA_BROKERS: "redpanda:9092,http://other" }, "REDPANDA_BROKERS"],
    ];
    const exits = await Promise.all(cases.map(([env]) => run(["billing"], env).exit));
    expect(exits.map(({ code }) => code)).toEqual(cases.map(() => 2));
    for (const [index, { stderr }] of exits.entries()) {
      expect(stderr).toContain(cases[index]?.[1]);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(stderr).not.toContain(JWT_SECRET);
    }
  });

  it("counts its requests, and those that fail with a 5xx status, for the operator", async () => {
    const baseUrl = await run(["billing"]).origin;
    const { signal } = new AbortController();
    const token = await signToken("counted");
    expect((await ask(baseUrl, "/billing/balance", { token })).status).toBe(200);
    expect((await ask(baseUrl, "/billing/vouchers/revoke/X", { method: "DELETE" })).status).toBe(401);
    await database.pool.query("ALTER TABLE customers RENAME TO elsewhere");
    expect((await ask(baseUrl, "/billing/balance", { token })).status).toBe(500);
    await ask(baseUrl, "/readyz");
    const counted = await readRequestCount(baseUrl, signal);
    expect(counted).toEqual({ process: expect.stringMatching(/^\d+/), requests: 3, serverErrors: 1 });
    await expect(readRequestCount(`${baseUrl}/no`, signal)).rejects.toMatchObject({
      ...{ code: "status_unexpected", message: expect.stringMatching(/\/no\/metrics answered 404$/) },
    });
  });

  it("finishes running requests after SIGTERM, and exits with 0", async () => {
    const { child, origin, exit } = run(["billing"]);
    const url = await origin;
    const holder = await database.pool.connect();
    await holder.query("BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE");
    const slow = ask(url, "/billing/balance", { token: await signToken("slow") });
    // Only locks of this database count, because other tests wait for locks on the same server.
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await eventually(async () => expect((await holder.query(waiting)).rows.length).toBeGreaterThan(0));
    child.kill("SIGTERM");
    await new Promise((done) => setTimeout(done, 200));
    await holder.query("COMMIT");
    holder.release();
    expect((await slow).status).toBe(200);
    const { code, stdout } = await exit;
    expect([code, stdout]).toEqual([0, ""]);
  });

  it("serves new connections for DRAIN_SECONDS after SIGTERM, closes each one, and is unready at once", async () => {
    // Longer than the requests below by so much that a busy machine changes nothing.
    const { child, origin, exit } = run(["billing"], { DRAIN_SECONDS: "3" });
    const url = await origin;
    const token = await signToken("late");
    const ask = (path: string) =>
      new Promise<[number | undefined, string | undefined]>((done, fail) =>
        // Each request has a connection of its own. The client would keep it, so only the server closes it.
        get(
          `${url}${path}`,
          { agent: new Agent({ keepAlive: true }), headers: { authorization: `Bearer ${token}` } },
          (answer) => {
            answer.resume();
            done([answer.statusCode, answer.headers.connection]);
          },
        ).on("error", fail),
      );
    expect(await ask("/billing/balance")).toEqual([200, "keep-alive"]);
    child.kill("SIGTERM");
    const signalledAt = performance.now();
    await eventually(async () => expect((await ask("/readyz"))[0]).toBe(503));
    while (performance.now() - signalledAt < 900)
      expect(await ask("/billing/balance")).toEqual([200, "close"]);
    expect((await exit).code).toBe(0);
    expect(performance.now() - signalledAt).toBeGreaterThan(2_990);
    await expect(ask("/healthz")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("keeps every order complete after kill -9, and returns the same order to a retry", async () => {
    const issue = await run(["billing"]);
    const url = await issue.origin;
    const admin = await signToken("admin", "sovereign-admin");
    await ask(url, "/billing/vouchers/issue", {
      token: admin,
      body: { code: "BURST", credit_omr: 25, max_redemptions: 100 },
    });
    const tokens = await Promise.all(Array.from({ length: 60 }, (_, index) => signToken(`burst-${index}`)));
    const checkout = (base: string, index: number) =>
      ask(base, "/billing/checkout", {
        token: tokens[index],
        body: { plan_id: "small", tenant_id: `burst-${index}`, promo_code: "BURST" },
        headers: { "Idempotency-Key": `burst-${index}` },
      });
    const known = new Map<number, string>();
    const burst = tokens.map((_, index) =>
      checkout(url, index).then(
        ({ text }) => void known.set(index, text),
        () => undefined,
      ),
    );
    await eventually(async () => expect(known.size).toBeGreaterThan(5));
    issue.child.kill("SIGKILL");
    await Promise.all(burst);
    await issue.exit;
    const next = run(["billing"]);
    const nextUrl = await next.origin;
    const answers = await Promise.all(
      tokens.map((_, index) =>
        eventually(async () => {
          const answer = await checkout(nextUrl, index);
          expect(answer.json.code).not.toBe("idempotency_in_flight");
          return answer;
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200));
    for (const [index, text] of known) expect(answers[index]?.text).toBe(text);
    const { rows } = await database.pool.query(
      "SELECT (SELECT times_redeemed FROM promo_codes) AS redeemed, (SELECT count(*)::int FROM orders) AS orders, (SELECT count(*)::int FROM outbox) AS events",
    );
    expect(rows).toEqual([{ redeemed: 60, orders: 60, events: 60 }]);
    expect((await run(["reconcile-ledger"]).exit).code).toBe(0);
  });

  it("returns 503 while the database is unreachable, also at the start, and recovers afterwards", async () => {
    const proxy = await createPostgresProxy(database.url);
    proxy.disconnect();
    const { origin } = run(["billing"], { DATABASE_URL: proxy.url });
    const url = await origin;
    try {
      const away = await ask(url, "/readyz");
      expect([away.status, away.json]).toEqual([
        503,
        { status: "unavailable", reason: expect.stringContaining("database") },
      ]);
      expect((await ask(url, "/healthz")).status).toBe(200);
      proxy.reconnect();
      await eventually(async () => expect((await ask(url, "/readyz")).status).toBe(200));
      const token = await signToken("steady");
      expect((await ask(url, "/billing/balance", { token })).status).toBe(200);
      proxy.disconnect();
      const refused = await ask(url, "/billing/balance", { token });
      expect([refused.status, refused.json.code]).toEqual([503, "database_unavailable"]);
      expect((await ask(url, "/billing/vouchers/redeem-preview", { body: { code: "ANY" } })).status).toBe(
        503,
      );
      expect((await ask(url, "/redeem?code=ANY")).status).toBe(503);
      await eventually(async () => expect((await ask(url, "/readyz")).status).toBe(503));
      proxy.reconnect();
      await eventually(async () => expect((await ask(url, "/billing/balance", { token })).status).toBe(200));
      await eventually(async () => expect((await ask(url, "/readyz")).status).toBe(200));
    } finally {
      proxy.close();
    }
  });
});
