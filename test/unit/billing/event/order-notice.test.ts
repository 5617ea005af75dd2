import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { createOrderNotice, parseOrderNotice } from "../../../../src/billing/event/order-notice.ts";
import { until } from "../../../support/wait.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A notice whose n-th request gets the n-th answer, and later ones the last. */
function start(answers: (number | Promise<number>)[]) {
  const requests: string[] = [];
  const lines: string[] = [];
  const stop = new AbortController();
  const notice = createOrderNotice({
    url: () => "http://operator:8085/operator/orders-placed",
    sovereign: "omantel.omani.works",
    logger: pino({}, { write: (line) => lines.push(line) }),
    fetch: async (input, init) => {
      requests.push(`${init?.method} ${String(input)}`);
      const status = await answers[Math.min(requests.length, answers.length) - 1];
      return new Response(null, { status: status ?? 500 });
    },
  });
  const running = notice.run(stop.signal);
  stops.push(async () => {
    stop.abort();
    await running;
  });
  return { notice, requests, lines };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("the notice of placed orders", () => {
  it("sends a notice once at the start, because a process that died may have left events behind", async () => {
    const { requests } = start([204]);
    await until(() => requests.length === 1, "the first notice");
    await pause();
    expect(requests).toEqual([
      "POST http://operator:8085/operator/orders-placed?sovereign=omantel.omani.works",
    ]);
  });

  it("sends a notice after an order, and one for all orders that are placed while one is being sent", async () => {
    const second = Promise.withResolvers<number>();
    const { notice, requests } = start([204, second.promise, 204]);
    await until(() => requests.length === 1, "the first notice");
    await pause();
    notice.placed();
    await until(() => requests.length === 2, "the second notice");
    for (let order = 0; order < 5; order += 1) notice.placed();
    await pause();
    expect(requests).toHaveLength(2);
    second.resolve(204);
    await until(() => requests.length === 3, "the third notice");
    await pause();
    expect(requests).toHaveLength(3);
  });

  it("repeats a notice until the operator has delivered the events, with one line in the log", async () => {
    const { requests, lines } = start([503, 404, 204]);
    await until(() => requests.length === 3, "the third attempt");
    await pause();
    expect(requests).toHaveLength(3);
    expect(lines.map((line) => JSON.parse(line).reason)).toEqual(["the operator answered 503"]);
  });
});

describe("parseOrderNotice", () => {
  it.each([undefined, {}, { url: 7 }, { url: "operator" }, { url: "ftp://operator/" }])(
    "refuses %j",
    (json) => {
      expect(() => parseOrderNotice(json)).toThrow("`url` must be an http or https URL");
    },
  );

  it("returns the URL", () => {
    expect(parseOrderNotice({ url: "http://operator/x" })).toBe("http://operator/x");
  });
});
