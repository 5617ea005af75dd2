import { describe, expect, it } from "vitest";
import { type Answer, issueVoucher, placeOrder } from "../../../support/builder/billing.ts";
import { admin, billing, repeat, revoke, scalar, useOneBilling } from "../../../support/suite/one-billing.ts";

useOneBilling({ reconciled: true });

const CREATE_ONLY = { "If-None-Match": "*" };

const issue = (body: Record<string, unknown>, headers: Record<string, string> = {}) =>
  billing.ask("/billing/vouchers/issue", { token: admin, body: { credit_omr: 5, ...body }, headers });
const change = (code: string, body: unknown, headers: Record<string, string> = {}) =>
  billing.ask(`/billing/vouchers/update/${code}`, { method: "PUT", token: admin, body, headers });
const read = (code: string) => billing.ask(`/billing/vouchers/read/${code}`, { token: admin });
const tagOf = ({ headers }: Answer) => headers.get("etag") ?? "";
const auditRows = (code: string) => scalar("SELECT count(*)::int FROM voucher_audit WHERE code = $1", [code]);

describe("an issue with If-None-Match: *", () => {
  it("creates a voucher, and answers 409 with the existing voucher when a live one has the code", async () => {
    const created = await issue({ code: "KEEP-ME", description: "first", max_redemptions: 3 }, CREATE_ONLY);
    expect(created.status).toBe(200);
    for (const code of ["KEEP-ME", " keep-me "]) {
      const refused = await issue({ code, credit_omr: 500 }, CREATE_ONLY);
      expect([refused.status, refused.json.code]).toEqual([409, "voucher_exists"]);
      expect(refused.json.voucher).toEqual({ ...created.json, standing: "live" });
    }
    expect((await read("KEEP-ME")).json).toEqual({ ...created.json, standing: "live" });
    expect(await auditRows("KEEP-ME")).toBe(1);
  });

  it("creates one voucher for ten simultaneous requests", async () => {
    const answers = await repeat(10, (index) =>
      issue({ code: "ONE-ONLY", credit_omr: index + 1 }, CREATE_ONLY),
    );
    const created = answers.filter(({ status }) => status === 200);
    expect(created).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
    expect((await read("ONE-ONLY")).json).toEqual({ ...created[0]?.json, standing: "live" });
  });

  it("restores a revoked voucher, because no live one has the code", async () => {
    await issueVoucher(billing, "COME-BACK");
    await revoke("COME-BACK");
    const restored = await issue({ code: "COME-BACK" }, CREATE_ONLY);
    expect([restored.status, (await read("COME-BACK")).json.standing]).toEqual([200, "live"]);
  });

  it("repeats its own answer under an Idempotency-Key", async () => {
    const headers = { ...CREATE_ONLY, "Idempotency-Key": "create-once" };
    const first = await issue({ code: "RETRIED" }, headers);
    const again = await issue({ code: "RETRIED" }, headers);
    expect([again.status, again.text, tagOf(again)]).toEqual([200, first.text, tagOf(first)]);
    const other = await issue({ code: "RETRIED" }, { "Idempotency-Key": "create-once" });
    expect([other.status, other.json.code]).toEqual([422, "idempotency_mismatch"]);
  });

  it.each(['"abc"', "", "*, *"])("refuses the value %j", async (value) => {
    const answer = await issue({ code: "NEVER" }, { "If-None-Match": value });
    expect([answer.status, answer.json.errors?.[0]?.field]).toEqual([400, "If-None-Match"]);
  });
});

describe("a change with If-Match", () => {
  it("is applied to the voucher as it was read, and refused with 412 after another change", async () => {
    const created = await issue({ code: "SHARED", description: "a" });
    const tag = tagOf(created);
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    expect(tagOf(await read("SHARED"))).toBe(tag);
    const mine = await change("shared", { description: "mine" }, { "If-Match": tag });
    expect([mine.status, mine.json.description]).toEqual([200, "mine"]);
    expect(tagOf(mine)).not.toBe(tag);
    const late = await change("SHARED", { description: "late" }, { "If-Match": tag });
    const now = { ...mine.json, standing: "live" };
    expect([late.status, late.json.code, late.json.voucher]).toEqual([412, "voucher_changed", now]);
    const revoked = await billing.ask("/billing/vouchers/revoke/SHARED", {
      method: "DELETE",
      token: admin,
      headers: { "If-Match": tag },
    });
    expect([revoked.status, revoked.json.code]).toEqual([412, "voucher_changed"]);
    const reissued = await issue({ code: "SHARED" }, { "If-Match": tag });
    expect([reissued.status, reissued.json.code]).toEqual([412, "voucher_changed"]);
    expect((await read("SHARED")).json).toEqual(now);
  });

  it("applies one of ten simultaneous changes", async () => {
    const tag = tagOf(await issue({ code: "RACED" }));
    const answers = await repeat(10, (index) =>
      change("RACED", { description: `change ${index}` }, { "If-Match": tag }),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)]);
    expect(await auditRows("RACED")).toBe(2);
  });

  it("is applied after a redemption", async () => {
    const tag = tagOf(await issue({ code: "BUSY" }));
    await placeOrder(billing, "buyer", { plan_id: "free", promo_code: "BUSY" });
    expect((await read("BUSY")).json.times_redeemed).toBe(1);
    expect((await change("BUSY", { active: false }, { "If-Match": tag })).status).toBe(200);
  });

  it("accepts a list of tags, a tag that a proxy made weak, and * for a voucher that exists", async () => {
    const tag = tagOf(await issue({ code: "LISTED" }));
    for (const value of [`"other", ${tag}`, `W/${tag}`, "*"]) {
      const answer = await change("LISTED", { active: true }, { "If-Match": value });
      expect(answer.status).toBe(200);
    }
    const missing = await issue({ code: "NOT-THERE" }, { "If-Match": "*" });
    expect([missing.status, missing.json.code, missing.json.voucher]).toEqual([
      412,
      "voucher_changed",
      undefined,
    ]);
  });

  it.each<[string, string, object?]>([
    ["PUT", "/billing/vouchers/update/STRICT", { active: false }],
    ["PUT", "/billing/admin/promos/STRICT", { active: false }],
    ["DELETE", "/billing/vouchers/revoke/STRICT"],
  ])("refuses If-None-Match: %s %s", async (method, path, body) => {
    await issue({ code: "STRICT" });
    const answer = await billing.ask(path, { method, token: admin, body, headers: CREATE_ONLY });
    expect([answer.status, answer.json.errors?.[0]?.field]).toEqual([400, "If-None-Match"]);
    expect((await read("STRICT")).json.standing).toBe("live");
  });

  it.each(["abc", '"abc', '"abc" "def"', `"${"a".repeat(1_000)}"`])("refuses the value %s", async (value) => {
    await issue({ code: "STRICT" });
    const answer = await change("STRICT", { active: false }, { "If-Match": value });
    expect([answer.status, answer.json.errors?.[0]?.field]).toEqual([400, "If-Match"]);
  });
});

describe("the earlier service's paths", () => {
  const dates = { starts_at: "2026-01-01T00:00:00.000Z", expires_at: "2099-01-01T00:00:00.000Z" };

  it.each(["/billing/admin/promos", "/billing/vouchers/issue"])(
    "upsert, and leave the dates as they are when the body has none: POST %s",
    async (path) => {
      await issue({ code: "CAMPAIGN", ...dates });
      const post = (body: Record<string, unknown>) =>
        billing.ask(path, { token: admin, body: { code: "campaign", credit_omr: 7, ...body } });
      expect((await post({ active: false })).json).toMatchObject({ active: false, credit_omr: 7, ...dates });
      await revoke("CAMPAIGN");
      expect((await post({})).json).toMatchObject({ active: true, ...dates });
      expect((await post({ expires_at: null })).json.expires_at).toBeUndefined();
      expect((await read("CAMPAIGN")).json).toMatchObject({ starts_at: dates.starts_at });
    },
  );

  it.each(["/billing/admin/promos", "/billing/vouchers/update"])(
    "leave the dates as they are when the body has none: PUT %s",
    async (path) => {
      await issue({ code: "PUTDATED", ...dates });
      const put = (body: object) => billing.ask(`${path}/PUTDATED`, { method: "PUT", token: admin, body });
      expect((await put({ description: "again" })).json).toMatchObject({ description: "again", ...dates });
      expect((await put({ starts_at: null })).json).toMatchObject({ expires_at: dates.expires_at });
      expect((await read("PUTDATED")).json.starts_at).toBeUndefined();
    },
  );

  it.each(["/billing/admin/promos", "/billing/vouchers/list"])(
    "accept the whole row of %s back with `active` changed",
    async (path) => {
      await issue({ code: "FLIPPED", expires_at: "2099-01-01T00:00:00.000Z" });
      const list = await billing.ask(path, { token: admin });
      const row = list.json.find(({ code }: { code: string }) => code === "FLIPPED");
      const answer = await billing.ask("/billing/admin/promos", {
        token: admin,
        body: { ...row, active: false },
      });
      const { standing, ...record } = row;
      expect(standing).toBe(path === "/billing/vouchers/list" ? "live" : undefined);
      expect([answer.status, answer.json]).toEqual([200, { ...record, active: false }]);
    },
  );
});
