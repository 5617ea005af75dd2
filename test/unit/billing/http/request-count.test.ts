import { describe, expect, it } from "vitest";
import { parseRequestCount, REQUEST_DURATION } from "../../../../src/billing/http/request-count.ts";
import { Histogram, Registry } from "../../../../src/platform/metrics.ts";

const HEAD = `process_start_time_seconds 1764457122\n# TYPE ${REQUEST_DURATION} histogram\n`;
const count = (route: string, status: string, value: number | string) =>
  `${REQUEST_DURATION}_count{route="${route}",method="GET",status="${status}"} ${value}\n`;

describe("parseRequestCount", () => {
  it("adds up all requests, and those with a 5xx answer", () => {
    const text =
      HEAD +
      count("/billing/balance", "200", 90) +
      count("/billing/balance", "404", 5) +
      count("/billing/vouchers/revoke/{code}", "500", 3) +
      count("/billing/checkout", "503", 2);
    expect(parseRequestCount(text)).toEqual({ process: "1764457122", requests: 100, serverErrors: 5 });
  });

  it("leaves out the requests of kubelets and monitors", () => {
    const text =
      HEAD + count("/readyz", "503", 1_000) + count("/healthz", "200", 1_000) + count("/metrics", "500", 9);
    expect(parseRequestCount(text)).toMatchObject({ requests: 0, serverErrors: 0 });
  });

  it("counts no bucket, no sum and no other metric", () => {
    const labels = 'route="/billing/balance",method="GET",status="500"';
    const text = `${HEAD}${REQUEST_DURATION}_bucket{le="1",${labels}} 7\n${REQUEST_DURATION}_sum{${labels}} 7\nother_count{${labels}} 7\n`;
    expect(parseRequestCount(text)).toMatchObject({ requests: 0 });
  });

  it("reads what the histogram of billing writes", async () => {
    const registry = new Registry();
    const histogram = new Histogram({
      name: REQUEST_DURATION,
      help: "Time until the answer was sent.",
      labelNames: ["route", "method", "status"],
      registers: [registry],
    });
    histogram.observe({ route: "/billing/vouchers/revoke/{code}", method: "DELETE", status: 500 }, 0.1);
    histogram.observe({ route: "/billing/balance", method: "GET", status: 200 }, 0.1);
    const text = `process_start_time_seconds 1\n${await registry.metrics()}`;
    expect(parseRequestCount(text)).toEqual({ process: "1", requests: 2, serverErrors: 1 });
  });

  it.each([
    ["an answer of another service", "up 1\n", "is this a billing service?"],
    [
      "an answer without the start of the process",
      HEAD.split("\n").slice(1).join("\n"),
      "is this a billing service?",
    ],
    ["a count that is not a number", HEAD + count("/redeem", "200", "many"), "/metrics counts many requests"],
    ["a negative count", HEAD + count("/redeem", "200", -1), "/metrics counts -1 requests"],
    ["an infinite count", HEAD + count("/redeem", "200", "+Inf"), "/metrics counts +Inf requests"],
  ])("refuses %s", (_, text, message) => {
    expect(() => parseRequestCount(text)).toThrow(message);
  });
});
