import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canonicalJson } from "../../../src/platform/canonical-json.ts";
import {
  ask,
  FQDN,
  issueVoucher,
  placeOrder,
  startBilling,
  type TestBilling,
  useBillings,
} from "../../support/builder/billing.ts";
import { startAnsweringServer } from "../../support/server/answering-server.ts";

let billing: TestBilling;
const start = useBillings();

beforeAll(async () => {
  billing = await startBilling();
  await issueVoucher(billing, "ENDED-INACTIVE", { active: false });
});

afterAll(() => billing.close());

describe("the page and the machine endpoints", () => {
  it("shows the offer in the Sovereign's branding, which follows its file, and links to sign-up", async () => {
    const one = await start({
      files: {
        BRANDING_FILE: {
          displayName: "Omantel <b>Cloud</b>",
          colour: "#ff7900",
          hostname: "cloud.omantel.om",
          logo: "https://cdn.omantel.om/logo.svg",
          keycloakTheme: "x",
        },
      },
    });
    await issueVoucher(one, "PAGE", { description: "<script>alert(1)</script>" });
    const offer = await one.ask("/redeem?code=page");
    expect(offer.status).toBe(200);
    expect(offer.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; img-src https:\/\/cdn.omantel.om;/,
    );
    expect(offer.text).toContain('href="https://cloud.omantel.om/signup?voucher=PAGE"');
    expect(offer.text).toContain("25 OMR");
    expect(offer.text).toContain("Omantel &#60;b&#62;Cloud");
    expect(offer.text).not.toContain("<script>");
    writeFileSync(one.settings.brandingFile ?? "", JSON.stringify({ displayName: "Renamed" }));
    expect((await one.ask("/redeem?code=page")).text).toContain("Renamed");
  });

  it.each([
    ["an ended campaign", "ENDED-INACTIVE", 410, "This campaign has ended"],
    ["an unknown code", "NO-SUCH-CODE", 404, "This voucher is not valid"],
    ["a code too long to be one", "X".repeat(5_000), 404, "This voucher is not valid"],
    ["no code", "", 200, "Redeem a voucher"],
  ])("shows the reason on the page for %s", async (_what, code, status, words) => {
    const answer = await billing.ask(`/redeem?code=${code}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([status, "text/html; charset=utf-8"]);
    expect(answer.text).toContain(words);
  });

  it("describes the same API on every Sovereign", async () => {
    const other = await start({
      env: { SOVEREIGN_FQDN: "other.example", CORS_ORIGIN: "https://a.example" },
      files: { CATALOG_FILE: { plans: [], addons: [] } },
    });
    const [here, there] = [await billing.ask("/openapi.json"), await other.ask("/openapi.json")];
    expect(canonicalJson(here.json)).toBe(canonicalJson(there.json));
    expect(here.text).not.toContain(FQDN);
    expect(Object.keys(here.json.paths).sort()).toMatchInlineSnapshot(`
      [
        "/",
        "/admin",
        "/admin/script/{version}/{file}",
        "/admin/style/{version}/admin.css",
        "/billing/admin/balances",
        "/billing/admin/orders",
        "/billing/admin/promos",
        "/billing/admin/promos/{code}",
        "/billing/admin/redemptions",
        "/billing/admin/revenue",
        "/billing/admin/settings",
        "/billing/balance",
        "/billing/checkout",
        "/billing/errors",
        "/billing/invoices/{tenantId}",
        "/billing/orders",
        "/billing/orders/{orderId}/cancel",
        "/billing/portal/{tenantId}",
        "/billing/subscription/{tenantId}",
        "/billing/vouchers/audit",
        "/billing/vouchers/audit/{code}",
        "/billing/vouchers/bulk-issue",
        "/billing/vouchers/grants",
        "/billing/vouchers/issue",
        "/billing/vouchers/list",
        "/billing/vouchers/read/{code}",
        "/billing/vouchers/redeem-preview",
        "/billing/vouchers/revoke/{code}",
        "/billing/vouchers/update/{code}",
        "/billing/webhook",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/readyz",
        "/redeem",
      ]
    `);
  });

  it("answers probes, metrics and unknown paths", async () => {
    expect((await billing.ask("/healthz")).json).toEqual({ status: "ok" });
    expect((await billing.ask("/readyz")).json).toEqual({
      status: "ok",
      schema: {
        version: expect.stringMatching(/^\d{4}-/),
        fingerprint: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      },
    });
    expect((await billing.ask("/metrics")).text).toContain(
      'catalyst_billing_http_request_duration_seconds_count{route="/healthz",method="GET",status="200"}',
    );
    expect((await billing.ask("/billing/redeem", { body: {} })).status).toBe(404);
    const wrong = await billing.ask("/billing/vouchers/issue");
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    const head = await fetch(`${billing.origin}/healthz`, { method: "HEAD" });
    expect(head.status).toBe(200);
  });

  it("sends CORS headers to the configured origins only", async () => {
    const one = await start({ env: { CORS_ORIGIN: "https://market.example" } });
    const preflight = (origin: string) =>
      ask(one.origin, "/billing/checkout", {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      });
    const allowed = await preflight("https://market.example");
    expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([
      204,
      "https://market.example",
    ]);
    expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("catalog and tenant services", () => {
  it("reads prices over HTTP, and consumes nothing while the catalog is unreachable", async () => {
    const upstream = await startAnsweringServer();
    upstream.answers["/catalog/plans"] = {
      body: [
        { id: "pro", price_omr: 2.5, stripe_price_id: "price_1" },
        { id: "broken", price_omr: -1 },
      ],
    };
    upstream.answers["/catalog/addons"] = { body: [] };
    upstream.answers["/tenants/owned/members"] = { body: ["helper"] };
    const url = upstream.origin;
    let nowMs = Date.now();
    const one = await start({
      files: { CATALOG_FILE: undefined },
      env: { CATALOG_FILE: "", CATALOG_URL: url, TENANT_URL: url },
      now: () => new Date(nowMs),
    });
    await issueVoucher(one, "UPSTREAM");
    const placed = await placeOrder(one, "buyer", {
      plan_id: "pro",
      tenant_id: "owned",
      promo_code: "UPSTREAM",
      apps: ["anything"],
    });
    expect(placed.json).toMatchObject({ credit_balance: 22.5 });
    expect((await one.ask("/metrics")).text).toContain(
      'catalyst_billing_catalog_rejected_items{list="plans"} 1',
    );
    await issueVoucher(one, "HELPS");
    expect(
      (await placeOrder(one, "helper", { plan_id: "pro", tenant_id: "owned", promo_code: "HELPS" })).status,
    ).toBe(200);
    expect(
      (await placeOrder(one, "stranger", { plan_id: "pro", tenant_id: "owned", promo_code: "HELPS" })).status,
    ).toBe(403);
    await upstream.close();
    nowMs += 5_000;
    const away = await placeOrder(one, "late", { plan_id: "pro", promo_code: "UPSTREAM" });
    expect([away.status, away.json.code]).toEqual([503, "catalog_unavailable"]);
  });
});
