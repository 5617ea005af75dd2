import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { expectRefusal } from "../../../support/builder/refusal.ts";
import { billing, superadmin, useOneBilling } from "../../../support/suite/one-billing.ts";

useOneBilling();

const CHECKOUT = { plan_id: "free", tenant_id: "t" };

describe("checkout", () => {
  it.each([
    [{ plan_id: "" }],
    [{ plan_id: null }],
    [{ plan_id: 5 }],
    [{ plan_id: "a\u0000" }],
    [{ plan_id: "x".repeat(201) }],
    [{ apps: "wordpress" }],
    [{ apps: [5] }],
    [{ apps: [null] }],
    [{ apps: ["a", "a"] }],
    [{ apps: Array.from({ length: 201 }, (_, index) => `a${index}`) }],
    [{ addons: {} }],
    [{ addons: ["backup", "backup"] }],
    [{ tenant_id: "" }],
    [{ tenant_id: "  " }],
    [{ tenant_id: "a\nb" }],
    [{ tenant_id: "a\u0000b" }],
    [{ promo_code: 5 }],
    [{ promo_code: "x".repeat(10_000) }],
    [{ promo_code: "A\u0000" }],
    [{ amount_baisa: 0 }],
  ])("refuses a checkout with %j", async (members) => {
    await expectRefusal("/billing/checkout", { body: { ...CHECKOUT, ...members } });
  });

  it.each(["", " ", "a b", "x".repeat(256), "ключ"])("refuses the Idempotency-Key %j", async (key) => {
    const headers = { "Idempotency-Key": key === "ключ" ? "\u00e9" : key };
    await expectRefusal("/billing/checkout", { body: CHECKOUT, headers });
  });

  it.each(["__proto__", "constructor", "toString", "hasOwnProperty"])(
    "finds no plan called %s",
    async (plan) => {
      const answer = await billing.ask("/billing/checkout", {
        token: superadmin,
        body: { ...CHECKOUT, plan_id: plan },
      });
      expect(answer.status).toBe(422);
    },
  );
});

describe("the connection", () => {
  function send(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const url = new URL(billing.origin);
      const socket = connect(Number(url.port), url.hostname, () => socket.write(text));
      let received = "";
      socket.on("data", (chunk) => {
        received += chunk;
      });
      socket.on("close", () => resolve(received));
      socket.on("error", reject);
      setTimeout(() => socket.end(), 300);
    });
  }

  it("keeps serving after bodies that end early, have a wrong length, or are not HTTP", async () => {
    const head = `POST /billing/vouchers/redeem-preview HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
    await send(`${head}Content-Length: 100\r\n\r\n{"code":`);
    expect(await send(`${head}Content-Length: -1\r\n\r\n{}`)).toMatch(/^HTTP\/1.1 400|^$/);
    expect(await send("GARBAGE\r\n\r\n")).toMatch(/^HTTP\/1.1 400/);
    expect(await send(`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`)).toMatch(/^HTTP\/1.1 400|^$/);
    expect(await send("GET //evil.example/%2e%2e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1.1 404/,
    );
    expect((await billing.ask("/healthz")).status).toBe(200);
  });
});
