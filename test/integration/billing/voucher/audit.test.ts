import { createHash } from "node:crypto";
import type { JWTPayload } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createOperatorKey,
  issueVoucher,
  nextPage,
  type OperatorKey,
  signOperatorToken,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { type Issuer, startIssuer } from "../../../support/server/issuer.ts";

let billing: TestBilling;
let issuer: Issuer;
let operator: OperatorKey;
let admin: string;

beforeAll(async () => {
  operator = await createOperatorKey();
  issuer = await startIssuer({ roles: {} });
  billing = await startBilling({
    files: { OPERATOR_JWKS_FILE: operator.jwks },
    env: { OIDC_ISSUER: issuer.issuer, OIDC_AUDIENCE: issuer.audience },
  });
  admin = await signToken("admin", "sovereign-admin");
});

afterAll(async () => {
  await billing.close();
  await issuer.close();
});

const auditOf = (code: string, query = "") =>
  billing.ask(`/billing/vouchers/audit/${encodeURIComponent(code)}${query}`, { token: admin });

const hashOf = (token: string) => `sha256:${createHash("sha256").update(token).digest("hex")}`;

const operatorToken = () => signOperatorToken(operator);

describe("GET /billing/vouchers/audit/{code}", () => {
  it("lists each change of a voucher, newest first, with time, user and token", async () => {
    const named = await issuer.forge({ sub: "named", role: "sovereign-admin", jti: "token-7" });
    const ours = await operatorToken();
    const ask = (method: string, path: string, token: string, body?: object) =>
      billing.ask(path, { method, token, ...(body === undefined ? {} : { body }) });
    await ask("POST", "/billing/vouchers/issue", admin, { code: "TRAIL", credit_omr: 5 });
    await ask("PUT", "/billing/admin/promos/trail", named, { credit_omr: 6 });
    await ask("DELETE", "/billing/vouchers/revoke/TRAIL", ours);
    await ask("POST", "/billing/admin/promos", await signToken("late", "superadmin"), {
      code: "TRAIL",
      credit_omr: 7,
    });
    const { status, json } = await auditOf(" trail ");
    expect(status).toBe(200);
    expect(
      json.map((entry: Record<string, { credit_omr?: number } | null>) => [
        entry.action,
        entry.actor,
        entry.issuer,
        entry.subject,
        entry.before?.credit_omr ?? null,
        entry.after?.credit_omr,
      ]),
    ).toEqual([
      ["revive", "shared-secret:late", "shared-secret", "late", 6, 7],
      ["revoke", "catalyst-operator:operator", "catalyst-operator", "operator", 6, 6],
      ["update", "oidc:named", issuer.issuer, "named", 5, 6],
      ["issue", "shared-secret:admin", "shared-secret", "admin", null, 5],
    ]);
    expect(json[1].token_id).toBe(hashOf(ours));
    expect(json[2].token_id).toBe("token-7");
    expect(json[3].token_id).toBe(hashOf(admin));
    expect(json[1].after).toMatchObject({ active: false, deleted_at: expect.stringMatching(/Z$/) });
    for (const entry of json) {
      expect(Math.abs(Date.parse(entry.at) - Date.now())).toBeLessThan(60_000);
      expect(Date.parse(entry.token_issued_at)).toBeLessThanOrEqual(Date.now());
    }
  });

  it("lists the audit page by page, and never shows a token", async () => {
    for (let credit = 1; credit <= 5; credit += 1)
      await issueVoucher(billing, "PAGED", { credit_omr: credit });
    const credits: number[] = [];
    let next: string | undefined = "/billing/vouchers/audit/paged?limit=2";
    while (next !== undefined) {
      const answer = await billing.ask(next, { token: admin });
      expect(answer.json.length).toBeLessThanOrEqual(2);
      credits.push(...answer.json.map(({ after }: { after: { credit_omr: number } }) => after.credit_omr));
      expect(answer.text).not.toContain(admin.split(".")[2]);
      next = nextPage(next, answer);
    }
    expect(credits).toEqual([5, 4, 3, 2, 1]);
  });

  it("returns 404 for an unknown code, and an empty list for an unchanged adopted one", async () => {
    await billing.database.pool.query(
      "INSERT INTO promo_codes (code, credit_omr, adopted) VALUES ('A/B', 5, true)",
    );
    expect((await auditOf("a/b")).text).toBe("[]");
    expect((await auditOf("NEVER")).json.code).toBe("voucher_not_found");
  });

  it("shows audit rows without a token", async () => {
    await billing.database.pool.query(
      "INSERT INTO promo_codes (code, credit_omr, adopted) VALUES ('ANCIENT', 5, true)",
    );
    await billing.database.pool.query(
      "INSERT INTO voucher_audit (code, action, actor) VALUES ('ANCIENT', 'adopt', 'catalyst:migrate')",
    );
    expect((await auditOf("ANCIENT")).json).toEqual([
      expect.objectContaining({ actor: "catalyst:migrate", issuer: null, token_id: null, before: null }),
    ]);
  });

  it("records the right earlier state when two first issues of a code meet", async () => {
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => issueVoucher(billing, "MEET", { credit_omr: index + 1 })),
    );
    const { json } = await auditOf("MEET");
    const actions = json.map(({ action }: { action: string }) => action);
    expect(actions).toEqual([...Array(7).fill("update"), "issue"]);
    for (let index = 0; index < 7; index += 1) expect(json[index].before).toEqual(json[index + 1].after);
  });

  it.each<[what: string, claims: JWTPayload, id: string | undefined, issuedAt: string | null]>([
    ["neither", {}, undefined, null],
    ["both", { iat: 1_700_000_000, jti: "t-1" }, "t-1", "2023-11-14T22:13:20.000Z"],
    ["a jti that is no text", { jti: JSON.parse("5") }, undefined, null],
    ["a jti with control characters", { jti: "a\u0000b" }, undefined, null],
    ["an endless jti", { jti: "x".repeat(300) }, undefined, null],
    ["an iat before all dates", { iat: -1e15 }, undefined, null],
  ])("keeps what there is of a token with %s", async (what, claims, id, issuedAt) => {
    const token = await issuer.forge({
      sub: "odd",
      role: "sovereign-admin",
      iat: undefined,
      ...claims,
    } as JWTPayload);
    const code = `TOKEN-${what.replaceAll(" ", "-").toUpperCase()}`;
    const answer = await billing.ask("/billing/vouchers/issue", { token, body: { code, credit_omr: 5 } });
    expect(answer.status).toBe(200);
    const [entry] = (await auditOf(code)).json;
    expect([entry.token_id, entry.token_issued_at]).toEqual([id ?? hashOf(token), issuedAt]);
  });
});

describe("GET /billing/vouchers/audit", () => {
  const SMOKE = { credit_omr: 1, description: "smoke test", max_redemptions: 1 };
  const read = (filter: Record<string, string>, headers: Record<string, string> = {}) =>
    billing.ask(`/billing/vouchers/audit?${new URLSearchParams(filter)}`, { token: admin, headers });
  const codesOf = async (filter: Record<string, string>) =>
    (await read(filter)).json.map(
      ({ code, action }: { code: string; action: string }) => `${action} ${code}`,
    );

  it("lists the changes of all vouchers by period, actor, code and batch, without the operator's smoke tests", async () => {
    const [salma, omar] = [
      await signToken("salma", "sovereign-admin"),
      await signToken("omar", "superadmin"),
    ];
    const from = new Date().toISOString();
    const issue = (token: string, body: object) => billing.ask("/billing/vouchers/issue", { token, body });
    await issue(salma, { code: "YEAR", credit_omr: 5 });
    await issue(await operatorToken(), { code: "SMOKE-A", ...SMOKE });
    await billing.ask("/billing/vouchers/bulk-issue", {
      token: omar,
      body: { count: 2, credit_omr: 5, prefix: "MANY" },
      headers: { Accept: "application/json" },
    });
    await billing.ask("/billing/vouchers/revoke/YEAR", { method: "DELETE", token: omar });
    const all = (await read({ from })).json;
    expect(all.map(({ action }: { action: string }) => action)).toEqual([
      "revoke",
      "issue",
      "issue",
      "issue",
    ]);
    expect(all[0].previous_digest).toBe(all[1].digest);
    expect(await codesOf({ from, smoke: "true" })).toEqual(["smoke SMOKE-A"]);
    expect(await codesOf({ from, actor: "shared-secret:salma" })).toEqual(["issue YEAR"]);
    expect(await codesOf({ from, actor: "omar", code: "year" })).toEqual(["revoke YEAR"]);
    const { batch } = all[1];
    expect(await codesOf({ batch })).toEqual([`issue ${all[1].code}`, `issue ${all[2].code}`]);
    expect([all[0].batch, all[2].batch, all[3].batch]).toEqual([null, batch, null]);
    expect(await codesOf({ from, to: all[2].at })).toEqual(["issue YEAR"]);
    expect(await codesOf({ from: "2999-01-01" })).toEqual([]);
    const first = await read({ from, actor: "omar", limit: "2" });
    const rest = await billing.ask(nextPage("/billing/vouchers/audit", first) ?? "", { token: admin });
    expect([first.json.length, rest.json.length, rest.headers.get("link")]).toEqual([2, 1, null]);
  });

  it("reads smoke tests by their index", async () => {
    const client = await billing.database.pool.connect();
    try {
      await client.query("BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off");
      const { rows } = await client.query(
        "EXPLAIN SELECT FROM voucher_audit WHERE action = 'smoke' ORDER BY id DESC LIMIT 20",
      );
      expect(JSON.stringify(rows)).toContain("Index Only Scan Backward using voucher_audit_smoke_idx");
    } finally {
      await client.query("ROLLBACK");
      client.release();
    }
  });

  it("lists vouchers to which a person gave the form of a smoke test", async () => {
    const from = new Date().toISOString();
    for (const code of ["SMOKE-B", "SMOKE-C"])
      await billing.ask("/billing/vouchers/issue", { token: admin, body: { code, ...SMOKE } });
    expect(await codesOf({ from })).toEqual(["issue SMOKE-C", "issue SMOKE-B"]);
  });

  it("lists the same changes as CSV, safe to open in a spreadsheet", async () => {
    const subject = "=cmd";
    await billing.ask("/billing/vouchers/issue", {
      token: await signToken(subject, "sovereign-admin"),
      body: { code: "SHEET", credit_omr: 5, description: "=1+1, really" },
    });
    await billing.ask("/billing/vouchers/revoke/SHEET", { method: "DELETE", token: admin });
    const { text, headers } = await read({ code: "SHEET", limit: "1" }, { Accept: "text/csv" });
    expect(headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
    expect(headers.get("link")).toContain("code=SHEET");
    const [names = "", row = ""] = text.replace(/^\ufeff/, "").split("\r\n");
    expect(names).toBe(
      "id,at,action,code,actor,issuer,subject,token_id,token_issued_at,batch,previous_digest,digest," +
        "before_credit_omr,before_description,before_active,before_max_redemptions,before_starts_at,before_expires_at,before_deleted_at," +
        "after_credit_omr,after_description,after_active,after_max_redemptions,after_starts_at,after_expires_at,after_deleted_at",
    );
    expect(row).toMatch(
      /,revoke,SHEET,shared-secret:admin,.*,5,"'=1\+1, really",true,0,,,,5,.*,false,0,,,\d{4}-.*Z$/,
    );
  });

  it.each([
    { from: "yesterday" },
    { to: "2026-13-01" },
    { from: "2026-01-01T00:00:00" },
    { from: "2026-02-30" },
    { to: "0000-01-01T00:00:00Z" },
    { to: "0001-01-01T00:00:00+01:00" },
    { batch: "7" },
    { smoke: "yes" },
    { cursor: "x" },
    { actor: "x".repeat(601) },
    { code: "x".repeat(1025) },
  ])("refuses a filter that it cannot read: %j", async (filter) => {
    const { status, json } = await read(filter);
    expect([status, json.errors?.[0]?.field ?? json.code]).toEqual([400, Object.keys(filter)[0]]);
  });
});
