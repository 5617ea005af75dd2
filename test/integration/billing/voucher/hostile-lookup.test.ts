import { describe, expect, it } from "vitest";
import { expectRefusal } from "../../../support/builder/refusal.ts";
import { billing, superadmin, useOneBilling } from "../../../support/suite/one-billing.ts";

useOneBilling();

const CHECKOUT = { plan_id: "free", tenant_id: "t" };

describe("cursors", () => {
  const ID = "0a4b8c1d-2e3f-4a5b-8c6d-7e8f9a0b1c2d";
  const POSITIONS: unknown[] = [
    ["2026-13-45 99:99:99+99", "A"],
    ["999999-01-01 00:00:00+00", "A"],
    ["2026-01-01 00:00:00+00", "A"],
    ["infinity", "A"],
    ["-infinity", "A"],
    ["253402300800000000", ID],
    ["-210866803200000001", ID],
    ["9223372036854775808", ID],
    ["9".repeat(1_000), ID],
    ["1e3", ID],
    ["0x10", ID],
    ["١", ID],
    ["1.5", ID],
    ["1\n", ID],
    ["", ID],
    [1, ID],
    ["1", "A\u0000"],
    ["1", ""],
    ["1", null],
    ["1", 5],
    ["1"],
    { atMicros: "1", id: ID },
    null,
    5,
  ];
  const cursorOf = (position: unknown) => Buffer.from(JSON.stringify(position)).toString("base64url");
  const LISTS = ["/billing/vouchers/list", "/billing/admin/promos", "/billing/admin/orders"];

  it.each(LISTS.flatMap((path) => POSITIONS.map((position) => [path, position] as const)))(
    "refuses at %s a cursor with %j",
    async (path, position) => {
      await expectRefusal(`${path}?cursor=${cursorOf(position)}`, { method: "GET" }, [400]);
    },
  );

  it.each(["A", `${ID}x`, ID.toUpperCase(), "' OR 1=1 --"])(
    "refuses an order cursor with the id %j",
    async (id) => {
      const path = `/billing/admin/orders?cursor=${cursorOf(["1", id])}`;
      await expectRefusal(path, { method: "GET" }, [400]);
    },
  );

  it.each(LISTS)("accepts a cursor of %s at the first and the last possible time", async (path) => {
    for (const micros of ["253402300799999999", "-210866803200000000", "-0", null]) {
      const answer = await billing.ask(`${path}?cursor=${cursorOf([micros, ID])}`, { token: superadmin });
      expect(answer.status).toBe(200);
    }
  });
});

describe("unknown codes", () => {
  const CODES = [
    "STRAßE",
    "ﬁSH",
    "ıDEA",
    "ſTAR",
    "ABC\u0301",
    "' OR 1=1 --",
    "%",
    "_",
    "\\",
    "💥",
    "A".repeat(1_000),
  ];

  it.each(CODES)("looks up an unknown code as it is: %j", async (code) => {
    await billing.database.pool.query(
      "INSERT INTO promo_codes (code, credit_omr, description) VALUES ('STRASSE', 1, ''), ('FISH', 1, ''), ('IDEA', 1, ''), ('STAR', 1, ''), ('ABC', 1, '') ON CONFLICT DO NOTHING",
    );
    expect((await billing.ask("/billing/vouchers/redeem-preview", { body: { code } })).status).toBe(404);
    const order = await billing.ask("/billing/checkout", {
      token: superadmin,
      body: { ...CHECKOUT, promo_code: code },
    });
    expect(order.status).toBe(404);
    const revoked = await billing.ask(`/billing/vouchers/revoke/${encodeURIComponent(code)}`, {
      method: "DELETE",
      token: superadmin,
    });
    expect(revoked.status).toBe(404);
    expect((await billing.ask(`/redeem?code=${encodeURIComponent(code)}`)).status).toBe(404);
  });

  it.each(["%00", "ABC%00", "%20", "%09", "%", "%E0%A4%A", "%ff"])(
    "refuses %s in the path",
    async (encoded) => {
      for (const [method, path] of [
        ["DELETE", "/billing/vouchers/revoke"],
        ["DELETE", "/billing/admin/promos"],
        ["GET", "/billing/subscription"],
        ["GET", "/billing/invoices"],
      ] as const) {
        await expectRefusal(`${path}/${encoded}`, { method });
      }
    },
  );

  it.each(["%00", "A%00", "&code=", "%", "%ff"])("shows the page for ?code=%s", async (query) => {
    const answer = await billing.ask(`/redeem?code=${query}`);
    expect([200, 400, 404]).toContain(answer.status);
  });
});
