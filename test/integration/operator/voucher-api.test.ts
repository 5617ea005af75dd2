import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { SOVEREIGN, type Sovereign } from "../../../src/api/sovereign.ts";
import { CONFIG_MAPS, NAMESPACES, resourceOf, SECRETS } from "../../../src/kube/resource.ts";
import { startVoucherApi } from "../../../src/operator/voucher-api.ts";
import { ask, JWT_SECRET, signToken } from "../../support/builder/billing.ts";
import { condition, sovereign } from "../../support/builder/catalyst-object.ts";
import { createCertificateAuthority } from "../../support/builder/certificate-authority.ts";
import { startIssuer } from "../../support/server/issuer.ts";
import { createTestDatabase } from "../../support/server/postgres.ts";
import {
  admin,
  CONFIG_MAP,
  caches,
  client,
  database,
  issue,
  notices,
  setNoticeAnswer,
  to,
  useVoucherApi,
  write,
} from "../../support/suite/voucher-api.ts";
import { eventually } from "../../support/wait.ts";

useVoucherApi();

describe("the embedded voucher API", () => {
  it("sends the relay a notice of an order that it placed", async () => {
    await issue("NOTICED");
    notices.length = 0;
    const token = await signToken("salma");
    const body = { plan_id: "free", tenant_id: "salma-shop", promo_code: "NOTICED" };
    expect((await to("/billing/checkout", { token, body })).status).toBe(200);
    expect(notices).toEqual(["zero.example"]);
  });

  it.each([
    ["204 when the outbox is delivered", "POST", true, 204],
    ["503 while an event waits, so that billing asks again", "POST", false, 503],
    ["404 for a Sovereign that does not run here", "POST", undefined, 404],
    ["405 to another method", "GET", true, 405],
  ])("answers a notice with %s", async (_what, method, outcome, status) => {
    notices.length = 0;
    setNoticeAnswer(outcome);
    const response = await to("/operator/orders-placed?sovereign=a.example", { method });
    expect([response.status, response.text]).toEqual([status, ""]);
    expect(notices).toEqual(method === "POST" ? ["a.example"] : []);
  });

  it("relays no outbox when a notice names no Sovereign", async () => {
    notices.length = 0;
    setNoticeAnswer(undefined);
    expect((await to("/operator/orders-placed", { method: "POST" })).status).toBe(404);
    expect(notices).toEqual([""]);
  });

  it.each([
    ['{"maxActive":', "not valid JSON"],
    ['{"maxActive":"a-secret"}', "maxActive must be a number of 0 or more"],
    ['["a-secret"]', "grants must be a JSON object"],
  ])(
    "issues no voucher while its grants are %s, gives the reason, and serves all other requests",
    async (text, reason) => {
      expect((await issue("BEFORE")).status).toBe(200);
      await write("grants.json", text);
      for (const path of ["/billing/vouchers/issue", "/billing/admin/promos"]) {
        const answer = await to(path, { token: admin, body: { code: "DURING", credit_omr: 1 } });
        expect([answer.status, answer.json.code]).toEqual([503, "grants_unavailable"]);
        expect(answer.json.detail).toBe(
          `grants.json of this Sovereign is invalid (${reason}): no voucher is issued until an administrator corrects it`,
        );
        expect(answer.headers.get("retry-after")).toBe("2");
        expect(answer.text).not.toContain("a-secret");
      }
      const bulk = await to("/billing/vouchers/bulk-issue", {
        token: admin,
        body: { count: 2, credit_omr: 1 },
      });
      expect([bulk.status, bulk.json.code]).toEqual([503, "grants_unavailable"]);

      const preview = await to("/billing/vouchers/redeem-preview", { body: { code: "BEFORE" } });
      expect(preview.status).toBe(200);
      const user = `salma-${reason.length}`;
      const order = await to("/billing/checkout", {
        token: await signToken(user),
        body: { plan_id: "small", tenant_id: `${user}-shop`, promo_code: "before" },
      });
      expect(order.status).toBe(200);
      const revoked = await to("/billing/vouchers/revoke/BEFORE", { method: "DELETE", token: admin });
      expect(revoked.status).toBe(200);

      await write("grants.json", JSON.stringify({ maxActive: 100 }));
      expect((await issue("AFTER")).status).toBe(200);
    },
  );

  it.each(['{"displayName":', "[]", "5"])("shows its last good branding while it is %s", async (text) => {
    await issue("SHOWN");
    const page = () => to("/redeem?code=SHOWN");
    expect((await page()).text).toContain("Muscat Cloud");
    await write("branding.json", text);
    const answer = await page();
    expect([answer.status, answer.text.includes("Muscat Cloud")]).toEqual([200, true]);
    expect((await to("/admin")).status).toBe(200);
  });

  it.each(['{"plans":', '{"plans":{}}'])("sells by its last good prices while they are %s", async (text) => {
    await write("catalog.json", text);
    const order = await to("/billing/checkout", {
      token: await signToken("priced"),
      body: { plan_id: "free", tenant_id: "priced-shop" },
    });
    expect(order.status).toBe(200);
  });

  it.each(['{"keys":', "{}"])(
    "accepts tokens of other issuers while the operator's keys are %s",
    async (text) => {
      await write("operator-jwks.json", text);
      expect((await to("/billing/vouchers/list", { token: admin })).status).toBe(200);
    },
  );
});

describe("the embedded voucher API with an issuer of a private authority", () => {
  it("verifies the issuer's tokens as soon as its ConfigMap has the authority", async () => {
    const authority = await createCertificateAuthority("one");
    const issuer = await startIssuer({ certificate: await authority.server("issuer", ["127.0.0.1"]) });
    const caCertificateRef = { kind: "ConfigMap", name: "issuer-ca", key: "ca.crt" };
    const auth = { issuer: issuer.issuer, audience: issuer.audience, caCertificateRef };
    await client.mergePatch(resourceOf(SOVEREIGN), { name: "zero" }, { spec: { billing: { auth } } });
    const token = await issuer.forge();
    const answerOf = async () => (await to("/billing/balance", { token })).status;
    await eventually(async () => expect(await answerOf()).toBe(503));
    await client.mergePatch(CONFIG_MAPS, CONFIG_MAP, { data: { "issuer-ca.pem": authority.pem } });
    await eventually(async () => expect(await answerOf()).toBe(200));
    await issuer.close();
  });
});

describe("the embedded voucher API of a named Sovereign", () => {
  const NAMED = "sovereign-named";
  const CHECK_MS = 100;
  /** Waits until the service has checked the Sovereign several times. */
  const afterChecks = () => new Promise((resolve) => setTimeout(resolve, 5 * CHECK_MS));
  const log: { msg: string; error?: string }[] = [];
  const stopNamed = new AbortController();
  let named: Awaited<ReturnType<typeof startVoucherApi>>;

  beforeAll(async () => {
    await client.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMED } });
    named = await startVoucherApi({
      ...{ client, caches, now: () => new Date(), signal: stopNamed.signal },
      relay: { notice: async () => true },
      settings: { host: "127.0.0.1", voucherApiPort: 0, voucherApiSovereign: "named" },
      logger: pino({}, { write: (line) => log.push(JSON.parse(line)) }),
      checkMs: CHECK_MS,
    });
  });
  afterAll(async () => {
    await named?.server.close(0);
    stopNamed.abort();
    await named?.stopped;
  });

  const list = async (secret = JWT_SECRET) => {
    const token = await signToken("admin", "sovereign-admin", {}, secret);
    return (await ask(named.server.origin, "/billing/vouchers/list", { token })).status;
  };
  const answers = (status: number, secret = JWT_SECRET) =>
    eventually(async () => expect(await list(secret)).toBe(status));
  async function writeSecret(name: string, key: string, value: string): Promise<void> {
    const metadata = { name, namespace: NAMED };
    await client.delete(SECRETS, metadata);
    const data = { [key]: Buffer.from(value).toString("base64") };
    await client.create(SECRETS, { apiVersion: "v1", kind: "Secret", metadata, data } as KubernetesObject);
  }
  const writeKey = (value: string) => writeSecret("billing-jwt", "secret", value);

  it("answers 503 until the Sovereign is migrated and has its Secrets, and follows a changed Secret", async () => {
    const before = await ask(named.server.origin, "/billing/vouchers/list", {});
    expect([before.status, before.headers.get("retry-after"), before.headers.get("content-type")]).toEqual([
      503,
      "5",
      "application/problem+json",
    ]);
    expect(before.json).toMatchObject({
      title: "Service Unavailable",
      detail: "the Sovereign that this operator serves is not migrated yet",
    });

    const { uid: _uid, generation: _generation, ...metadata } = sovereign("named").metadata;
    const created = await client.create(resourceOf(SOVEREIGN), { ...sovereign("named"), metadata });
    const status = { conditions: [condition("Migrated", "True")] };
    await client.replace(resourceOf(SOVEREIGN), { ...created, status }, "status");
    await writeSecret("billing-db", "uri", database.url);
    await afterChecks();
    expect(await list()).toBe(503);

    await writeKey(JWT_SECRET);
    await answers(200);

    // While the migration of the next release runs, the earlier version continues to serve.
    const migrating = { conditions: [condition("Migrated", "False")] };
    const live = await client.get<Sovereign>(resourceOf(SOVEREIGN), { name: "named" });
    if (live === undefined) throw new Error("the Sovereign is gone");
    await client.replace(resourceOf(SOVEREIGN), { ...live, status: migrating }, "status");
    await afterChecks();
    expect(await list()).toBe(200);

    // A key that is too short cannot be used, so the earlier service continues.
    await writeKey("short");
    const refused = () => log.filter(({ msg }) => msg === "the embedded voucher API could not be refreshed");
    await eventually(() => expect(refused()).toHaveLength(1));
    await afterChecks();
    expect(refused()).toHaveLength(1);
    expect(await list()).toBe(200);

    // While the Secret is missing, the service keeps the one that it started with.
    await client.delete(SECRETS, { name: "billing-jwt", namespace: NAMED });
    await afterChecks();
    expect(await list()).toBe(200);

    const other = "another-secret-of-this-sovereign-0123456789";
    await writeKey(other);
    await answers(200, other);
    expect(log.map(({ msg }) => msg)).toContain("the embedded voucher API can be refreshed again");
    expect(await list()).toBe(401);

    // A database without a migration cannot be served, so the earlier service continues.
    const empty = await createTestDatabase("empty");
    await writeSecret("billing-db", "uri", empty.url);
    await eventually(() => expect(refused()).toHaveLength(2));
    expect(await list(other)).toBe(200);
    await writeSecret("billing-db", "uri", database.url);
    await afterChecks();
    await empty.drop();

    await client.delete(resourceOf(SOVEREIGN), { name: "named" });
    await answers(503, other);
  });
});
