import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createStripeHttpClient } from "../../../../src/billing/payment/stripe-http-client.ts";

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function ask(answer: (response: ServerResponse) => void, timeoutMs = 2_000) {
  const started = createServer((_request, response) => answer(response));
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const { port } = started.address() as AddressInfo;
  const client = createStripeHttpClient();
  return client.makeRequest("127.0.0.1", String(port), "/v1/x", "POST", {}, "a=1", "http", timeoutMs);
}

const answering = (status: number, body: string) => (response: ServerResponse) =>
  response.writeHead(status, { "Request-Id": "req_1" }).end(body);

describe("the HTTP client of Stripe's library", () => {
  it("reads what Stripe answers", async () => {
    const answer = await ask(answering(200, '{"id":"cs_1"}'));
    expect([answer.getStatusCode(), answer.getHeaders()["request-id"]]).toEqual([200, "req_1"]);
    expect(await answer.toJSON()).toEqual({ id: "cs_1" });
    const refusal = await ask(answering(400, '{"error":{"code":"url_invalid"}}'));
    expect(await refusal.toJSON()).toEqual({ error: { code: "url_invalid" } });
  });

  it.each([
    [503, '{"message":"no healthy upstream"}'],
    [502, '{"error":"upstream connect error"}'],
    [404, '{"error":null}'],
    [204, ""],
    [200, "<html>"],
    [200, "{}"],
    [200, "[]"],
    [200, "null"],
    [200, '"ok"'],
    [200, '{"id":5}'],
  ])("reads nothing that is not Stripe's: %i %s", async (status, body) => {
    const answer = await ask(answering(status, body));
    await expect(answer.toJSON()).rejects.toThrow(
      /^POST http:\/\/127\.0\.0\.1:\d+\/v1\/x answered \d+ in a form that is not Stripe's$/,
    );
  });

  it("ends an exchange whose bytes arrive one by one, and one whose answer is endless", async () => {
    const drip = (response: ServerResponse) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
    };
    await expect(ask(drip, 200)).rejects.toMatchObject({ code: "timed_out" });
    server?.closeAllConnections();
    await expect(ask(answering(200, " ".repeat(2 * 1024 * 1024)))).rejects.toMatchObject({
      code: "body_too_large",
    });
  });
});
