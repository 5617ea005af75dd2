import { beforeAll, describe, expect, it } from "vitest";
import { type Answer, billing, signToken, useBilling } from "../../../support/builder/billing.ts";

let token: string;

useBilling();

beforeAll(async () => {
  token = await signToken("admin", "sovereign-admin");
});

const issue = (terms: Record<string, unknown>) =>
  billing.ask("/billing/vouchers/issue", {
    token,
    body: { code: "DATED", credit_omr: 5, starts_at: null, expires_at: null, ...terms },
  });

const update = (terms: Record<string, unknown>) =>
  billing.ask("/billing/admin/promos/DATED", { method: "PUT", token, body: terms });

const RULE =
  "must be an instant such as 2026-01-31T09:30:00Z or 2026-01-31T13:30:00.125+04:00: with a zone, in the years 1 to 9999 in UTC, no finer than milliseconds";

function expectRefusal(answer: Answer, field: string): void {
  expect([answer.status, answer.json.code]).toEqual([400, "request_invalid"]);
  expect(answer.json.errors).toEqual([{ field, rule: RULE }]);
  expect(answer.json.detail).toBe(`${field} ${RULE}: see /openapi.json`);
}

describe("the dates of a voucher", () => {
  it.each([
    ["finer than a millisecond", "2026-01-01T00:00:00.0009999Z"],
    ["finer than a microsecond", "2026-01-01T00:00:00.0000001Z"],
    ["a microsecond", "2026-01-01T00:00:00.000001Z"],
    ["a leap second", "2016-12-31T23:59:60Z"],
    ["the hour 24", "2026-01-01T24:00:00Z"],
    ["year 0", "0000-12-31T23:59:59Z"],
    ["year 0 by its offset", "0001-01-01T00:00:00+00:01"],
    ["year 10000", "10000-01-01T00:00:00Z"],
    ["year 10000 by its offset", "9999-12-31T23:59:59-00:01"],
    ["an offset of a day", "2026-01-01T00:00:00+24:00"],
    ["an offset of a day back", "2026-01-01T00:00:00-24:00"],
    ["an offset of 60 minutes", "2026-01-01T00:00:00+03:60"],
    ["no zone", "2026-01-01T00:00:00"],
    ["a fraction without digits", "2026-01-01T00:00:00.Z"],
    ["a comma", "2026-01-01T00:00:00,5Z"],
    ["infinity", "infinity"],
    ["a blank after", "2026-01-01T00:00:00Z "],
  ])("refuses %s as a date, and names the field and the rule", async (_what, text) => {
    for (const field of ["starts_at", "expires_at"]) {
      expectRefusal(await issue({ [field]: text }), `/${field}`);
      expectRefusal(await update({ [field]: text }), `/${field}`);
      const bulk = await billing.ask("/billing/vouchers/bulk-issue", {
        token,
        body: { count: 1, credit_omr: 5, [field]: text },
      });
      expectRefusal(bulk, `/${field}`);
    }
  });

  it.each([
    ["a millisecond", "2026-01-01T00:00:00.001Z", "2026-01-01T00:00:00.001Z"],
    ["zeros after it", "2026-01-01T00:00:00.001000000Z", "2026-01-01T00:00:00.001Z"],
    ["an offset", "2026-01-01T00:00:00.5+04:00", "2025-12-31T20:00:00.500Z"],
    ["the largest offset", "2026-01-01T00:00:00-14:59", "2026-01-01T14:59:00.000Z"],
    ["a leap day", "2028-02-29T23:59:59.999Z", "2028-02-29T23:59:59.999Z"],
    ["the first instant", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["the last instant", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
  ])("stores every digit of a date: %s", async (_what, text, kept) => {
    for (const field of ["starts_at", "expires_at"]) {
      const issued = await issue({ [field]: text });
      expect([issued.status, issued.json[field]]).toEqual([200, kept]);
      const again = await update({ description: "as it was" });
      expect([again.status, again.json[field]]).toEqual([200, kept]);
    }
  });

  it("accepts dates that are one millisecond apart, and none that are closer", async () => {
    const at = "2026-01-01T00:00:00.001Z";
    const near = await issue({ starts_at: at, expires_at: "2026-01-01T00:00:00.002Z" });
    expect(near.status).toBe(200);
    for (const answer of [
      await issue({ starts_at: at, expires_at: at }),
      await issue({ starts_at: at, expires_at: "2026-01-01T04:00:00.001+04:00" }),
      await update({ expires_at: "2026-01-01T00:00:00Z" }),
      await update({ starts_at: "2026-01-01T00:00:00.002Z" }),
    ]) {
      expect([answer.status, answer.json.code]).toEqual([400, "voucher_invalid"]);
      expect(answer.json.detail).toBe("expires_at must be after starts_at: change one of them");
    }
  });
});
