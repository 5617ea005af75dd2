import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, JWT_SECRET, signToken } from "../../../support/builder/billing.ts";
import { type BillingProcess, createBillingProcesses } from "../../../support/process/billing-process.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";

const CODES = [
  "SUMMER-2026-X7",
  "Kh4reef Bonus",
  "A/B%C",
  'QUO"TE\\CODE',
  "ÑANDÚ-ΔΕΛΤΑ",
  "BREAK-BY-CHECK",
  "BREAK-BY-RAISE",
];
const SECRETS = [
  JWT_SECRET,
  "sk_live_51HighlySecretKey00",
  "whsec_EvenMoreSecret000000",
  "catalog-password-8812",
  "idempotency-key-of-somebody",
  "somebody@private.example",
];
const REQUEST_ID = "0b9dd2c1-51f4-4b8c-9d36-4a51d0e6f001";
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";

let database: TestDatabase;
let processes: ReturnType<typeof createBillingProcesses>;
let billing: BillingProcess;
let upstream: Server;
let tokens: string[];
let metrics: string;
let lines: Record<string, unknown>[];
let requests = 0;
const upstreamHeaders: (string | undefined)[] = [];

/** Requests with every kind of secret and code, and with hostile text that other programs would write to a log. */
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(`
    ALTER TABLE promo_codes ADD CONSTRAINT no_break CHECK (code <> 'BREAK-BY-CHECK');
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no %, please', NEW.code; END $$;
    CREATE TRIGGER no_raise BEFORE INSERT ON promo_codes FOR EACH ROW WHEN (NEW.code = 'BREAK-BY-RAISE') EXECUTE FUNCTION refuse();
  `);
  for (const code of CODES.slice(0, 5)) {
    await database.pool.query(
      "INSERT INTO promo_codes (code, credit_omr, description, adopted) VALUES ($1, 5, '', true)",
      [code],
    );
  }
  await database.pool.query(`
    INSERT INTO customers (user_id, tenant_id, email) VALUES ('owner', 'owned', 'owner@example.om');
    INSERT INTO tenants (tenant_id, customer_id) SELECT 'owned', id FROM customers`);
  upstream = createServer((request, response) => {
    upstreamHeaders.push(
      request.headers.traceparent as string | undefined,
      request.headers.tracestate as string,
    );
    // Not prices, but text that a parser would quote in its error.
    response.end(CODES[2]);
  });
  await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", done));
  const port = (upstream.address() as { port: number }).port;
  processes = createBillingProcesses(database.url);
  billing = await processes.start({
    CATALOG_FILE: "",
    CATALOG_URL: `http://127.0.0.1:${port}`,
    TENANT_URL: `http://tenants:${SECRETS[3]}@127.0.0.1:${port}`,
    OIDC_ISSUER: "http://127.0.0.1:1/realms/gone",
    OIDC_AUDIENCE: "billing",
    PREVIEW_LIMIT: "0",
    PREVIEW_MISS_LIMIT: "0",
    LOG_LEVEL: "trace",
  });
  tokens = [await signToken("somebody", "superadmin", { email: "somebody@private.example" })];
  const token = tokens[0] ?? "";
  const send = async (path: string, question: Parameters<typeof ask>[2] = {}) => {
    requests += 1;
    return ask(billing.origin, path, question);
  };
  const headers = {
    "x-request-id": REQUEST_ID,
    traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01`,
    tracestate: "a=b",
  };
  await send("/billing/checkout", { token, headers, body: { plan_id: "small", tenant_id: "shop" } });
  for (const code of CODES) {
    const inPath = encodeURIComponent(code);
    const hostile = {
      "x-request-id": inPath,
      traceparent: inPath,
      "user-agent": inPath,
      "x-forwarded-for": inPath,
      referer: `https://x.example/redeem?code=${inPath}`,
      "idempotency-key": `${SECRETS[4]}-${inPath}`,
      cookie: `session=${token}`,
    };
    await send("/billing/vouchers/issue", { token, headers: hostile, body: { code, credit_omr: 5 } });
    await send("/billing/vouchers/issue", { token, body: { code: 5, [code]: code } });
    await send("/billing/vouchers/issue", { token, raw: `{"code": "${code}" oops` });
    await send("/billing/vouchers/redeem-preview", { headers: hostile, body: { code } });
    await send(`/redeem?code=${inPath}`, { headers: hostile });
    await send(`/redeem/${inPath}?token=${token}`);
    await send(`/billing/vouchers/list?cursor=${inPath}&limit=${inPath}`, { token });
    await send(`/billing/vouchers/nowhere/${inPath}`, { token });
    await send(`/billing/subscription/${inPath}`, { token, headers: hostile });
    await send(`/billing/admin/promos/${inPath}`, { token, method: "PUT", body: { description: code } });
    await send(`/billing/admin/promos/${inPath}`, { token, method: "PATCH", body: {} });
    await send(`/billing/vouchers/revoke/${inPath}%E0%A4%A`, { token, method: "DELETE" });
    await send("/billing/checkout", { token, body: { plan_id: "small", tenant_id: code, promo_code: code } });
    await send(`/billing/vouchers/revoke/${inPath}`, { token, method: "DELETE", headers: hostile });
    await send("/billing/balance", { headers: { authorization: `Bearer ${token}${inPath}` } });
    await send("/billing/balance", { headers: { authorization: `Basic ${inPath}` } });
  }
  await send("/billing/admin/settings", {
    token,
    method: "PUT",
    body: { stripe_secret_key: SECRETS[1], stripe_webhook_secret: SECRETS[2] },
  });
  await send("/billing/admin/settings", {
    token,
    method: "PUT",
    body: { stripe_secret_key: `${SECRETS[1]} ` },
  });
  // The tenant service's address has a password, and the error for such an address repeats it.
  expect((await send("/billing/subscription/owned", { token })).status).toBe(503);
  await send("/billing/webhook", { raw: "{}", headers: { "stripe-signature": `t=1,v1=${SECRETS[2]}` } });
  const unsigned = `${Buffer.from('{"alg":"RS256","kid":"k"}').toString("base64url")}.${token.split(".")[1] ?? ""}.AAAA`;
  await send("/billing/balance", { token: unsigned });
  await send("/healthz", { method: "PROPFIND" });
  await raw(`GET /redeem?code=${CODES[0]} HTTP/9.9\r\n${token}\r\n\r\n`);
  await raw(`${CODES[0]} / HTTP/1.1\r\nHost: x\r\n\r\n`);
  metrics = (await send("/metrics")).text;
  expect(await billing.end("SIGTERM")).toBe(0);
  lines = billing
    .log()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
});

afterAll(async () => {
  await processes.close();
  upstream.closeAllConnections();
  await new Promise((done) => upstream.close(done));
  await database.drop();
});

function raw(text: string): Promise<void> {
  return new Promise((done) => {
    const { port, hostname } = new URL(billing.origin);
    const socket = connect(Number(port), hostname, () => socket.end(text));
    socket.on("error", () => done());
    socket.on("close", () => done());
    socket.resume();
  });
}

/** A text as logs, URLs and bodies would write it. */
function spellings(text: string): string[] {
  const encoded = encodeURIComponent(text);
  const json = JSON.stringify(text).slice(1, -1);
  const spelled = [text, encoded, encoded.replaceAll("%20", "+"), json, JSON.stringify(json).slice(1, -1)];
  return [...new Set(spelled.flatMap((one) => [one, one.toLowerCase(), one.toUpperCase()]))];
}

const accessLines = () => lines.filter(({ msg }) => msg === "request");

describe("the log", () => {
  it("writes one line for each request, with the path's template", () => {
    expect(accessLines()).toHaveLength(requests);
    for (const line of accessLines()) {
      expect(line).toMatchObject({
        level: expect.stringMatching(/^(info|debug)$/),
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
        spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
        method: expect.stringMatching(/^([A-Z]+|other)$/),
        route: expect.stringMatching(/^(unmatched|\/[\w/.{}-]*)$/),
        status: expect.any(Number),
        durationMs: expect.any(Number),
        client: expect.stringMatching(/^[0-9a-f]{12}$/),
      });
    }
    expect(accessLines().map(({ route }) => route)).toContain("/billing/vouchers/revoke/{code}");
    expect(accessLines().filter(({ method }) => method === "other")).toHaveLength(1);
  });

  it("uses a valid request id and trace, and sends a child of the trace to the catalog", () => {
    const failed = lines.filter(({ requestId }) => requestId === REQUEST_ID);
    expect(failed.map(({ msg, traceId, code }) => [msg, traceId, code])).toEqual([
      ["a request failed", TRACE_ID, "catalog_unavailable"],
      ["request", TRACE_ID, "catalog_unavailable"],
    ]);
    const [traceparent, tracestate] = upstreamHeaders;
    expect(traceparent).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-01$`));
    expect(traceparent).not.toContain("00f067aa0ba902b7");
    expect(traceparent).not.toContain(failed[1]?.spanId);
    expect(tracestate).toBe("a=b");
  });

  it("logs why a request failed, and nothing of its content", () => {
    const broken = lines.filter(({ code, msg }) => code === "internal" && msg === "a request failed");
    expect(broken.map(({ sqlstate, constraint }) => [sqlstate, constraint])).toEqual([
      ["23514", "no_break"],
      ["P0001", undefined],
    ]);
    for (const { at } of broken) expect(at).toContainEqual(expect.stringContaining("voucher-service.ts"));
  });

  it.each([...CODES, ...SECRETS])("never logs %s in any spelling", (text) => {
    for (const spelling of spellings(text)) {
      expect(billing.log()).not.toContain(spelling);
      expect(metrics).not.toContain(spelling);
    }
  });

  it("never logs a token or the database's password", () => {
    const password = new URL(database.url).password;
    expect(password).not.toBe("");
    for (const text of [...tokens, ...tokens.flatMap((token) => token.split(".").slice(1)), password]) {
      expect(billing.log()).not.toContain(text);
      expect(metrics).not.toContain(text);
    }
  });
});

describe("/metrics", () => {
  it("uses only labels from fixed sets in /metrics", () => {
    const labels = [...metrics.matchAll(/^catalyst_billing_\w+\{(.*)\} /gm)].flatMap(([, set = ""]) =>
      [...set.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    const values = (name: string) => [
      ...new Set(labels.filter(([label]) => label === name).map(([, value]) => value)),
    ];
    expect(values("method").sort()).toEqual(["DELETE", "GET", "PATCH", "POST", "PUT", "other"]);
    for (const route of values("route")) expect(route).toMatch(/^(unmatched|\/[a-z/.{}-]*(\{\w+\})?)$/);
    expect(values("route").length).toBeLessThan(20);
    expect(values("code")).toContain("catalog_unavailable");
  });
});
