import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../../../src/billing/db/schema.ts";

// A migration that a Sovereign may have run is never edited: another one follows. Two databases that say the same version
// would else have different schemas. A new file adds its line here.
const SHIPPED = {
  "0001-earlier-tables": "4fa5db320026a1b8",
  "0002-shape": "fbabe30ae9b567b2",
  "0003-adoption": "4506ac75f864a6d9",
  "0004-index": "69105dabeb240849",
  "0005-checkout": "469ada7ffa300fcd",
  "0006-payment": "3a8b02c3db6bc82e",
  "0007-voucher-audit": "f498c0b60bc45f6c",
  "0008-event": "44d9e79186ee7472",
  "0009-redemption-time": "82562cafe1c3dba1",
  "0011-settlement": "7ca4ce2e3c0004a1",
  "0012-order-tenant": "d311c8558494bc0c",
  "0013-time-order": "a7b3b322897f51a1",
  "0014-adopted-shape": "7096fd27bf97f4ba",
  "0015-balance-guard": "b5ab1a0c41419d5e",
};

describe("the migrations", () => {
  it("are what they were when they were shipped", () => {
    const digests = MIGRATIONS.map(({ name, sql }) => [
      name,
      createHash("sha256").update(sql).digest("hex").slice(0, 16),
    ]);
    expect(Object.fromEntries(digests)).toEqual(SHIPPED);
  });
});
