import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPaymentProcessor, type PaymentProcessor } from "../../src/billing/payment/processor.ts";
import { desiredSessionRequest } from "../../src/billing/payment/session-request.ts";
import { startHttpServer } from "../../src/platform/http-server.ts";

const ASSETS = process.env.KUBEBUILDER_ASSETS ?? "";

let mock: ChildProcess;
let apiBase = "";
let processor: PaymentProcessor;

// stripe-mock checks every request against Stripe's own OpenAPI document. A parameter that does not exist is an error.
beforeAll(async () => {
  mock = spawn(join(ASSETS, "stripe-mock"), ["-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  apiBase = await new Promise<string>((resolve, reject) => {
    let output = "";
    mock.on("error", reject);
    mock.on("close", () => reject(new Error(`stripe-mock ended: ${output}`)));
    mock.stdout?.on("data", (chunk) => {
      output += chunk;
      const port = /Listening for HTTP at address: .*:(\d+)/.exec(output)?.[1];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
    });
  });
  processor = createPaymentProcessor({
    apiBase,
    successUrl: "https://omantel.example/ok",
  });
});

afterAll(() => {
  mock.kill();
});

describe("the requests of billing to Stripe", () => {
  const order = {
    sovereign: "omantel.omani.works",
    orderId: "0b8a9a0e-8d3c-4a51-9f42-1c1f7f6f0a01",
    tenantId: "salma-shop",
    planId: "large",
    amountBaisa: 35_000,
    description: "large on omantel.omani.works",
    expiresAt: new Date(Date.now() + 3_600_000),
  };

  it("set metadata on a customer", async () => {
    expect(await processor.nameOrigin("sk_test_123", "cus_123", order)).toBe("named");
  });

  it("add metadata to a subscription and its customer", async () => {
    expect(await processor.nameSubscription("sk_test_123", "sub_123", order)).toBe("named");
  });

  it("add metadata to an invoice, its payment intent and its charge", async () => {
    // stripe-mock's invoice has a payment that names no payment intent.
    const asked: string[] = [];
    const named = await startHttpServer({
      host: "127.0.0.1",
      port: 0,
      handler: async (request, response) => {
        const { method = "GET", url = "/", headers } = request;
        asked.push(`${method} ${url.replace(/\?.*/, "")}`);
        const answer = await fetch(apiBase + url, {
          method,
          headers: {
            authorization: headers.authorization ?? "",
            "content-type": "application/x-www-form-urlencoded",
          },
          ...(method === "POST" ? { body: await text(request) } : {}),
        });
        const body = await answer.text();
        response
          .writeHead(answer.status, { "content-type": "application/json" })
          .end(body.replace(/"payment": *\{/, '"payment": { "payment_intent": "pi_123",'));
      },
    });
    try {
      const { nameInvoice } = createPaymentProcessor({
        apiBase: named.origin,
        successUrl: "https://omantel.example/ok",
      });
      expect(await nameInvoice("sk_test_123", "in_123", order)).toBe("named");
      expect(asked).toEqual([
        "GET /v1/invoices/in_123",
        "POST /v1/invoices/in_123",
        "GET /v1/payment_intents/pi_123",
        "POST /v1/payment_intents/pi_123",
        expect.stringMatching(/^POST \/v1\/charges\/ch_/),
      ]);
    } finally {
      await named.close(0);
    }
  });

  it.each([
    ["a new customer", { stripeCustomerId: null, email: "salma@example.om" }],
    ["a customer without an address", { stripeCustomerId: null, email: "" }],
    ["a known customer", { stripeCustomerId: "cus_123", email: "salma@example.om" }],
  ])("create a session that Stripe's document allows: %s", async (_who, customer) => {
    const request = desiredSessionRequest(
      { ...order, ...customer },
      {
        currency: "OMR",
        successUrl: "https://omantel.example/ok",
        cancelUrl: "https://omantel.example/no",
      },
    );
    expect(await processor.createSession("sk_test_123", request)).toMatchObject({
      kind: "created",
      session: { id: expect.stringMatching(/^cs_/) },
    });
  });

  it("read and close a session, and open the portal", async () => {
    expect(await processor.readSession("sk_test_123", "cs_test_1")).toMatchObject({
      id: expect.stringMatching(/^cs_/),
    });
    expect(await processor.closeSession("sk_test_123", "cs_test_1")).toMatchObject({
      id: expect.stringMatching(/^cs_/),
    });
    expect(await processor.openPortal("sk_test_123", "cus_123")).toMatch(/^https:/);
    expect(await processor.readSubscription("sk_test_123", "sub_123")).toMatchObject({
      id: expect.stringContaining("sub_"),
      periodEnd: expect.any(Date),
    });
    expect(await processor.cancelSubscription("sk_test_123", "sub_123")).toBe("canceled");
  });

  it("are refused with an invalid key", async () => {
    await expect(processor.readSession("wrong", "cs_test_1")).rejects.toMatchObject({
      code: "payment_unavailable",
    });
  });
});
