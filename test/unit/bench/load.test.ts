import { expect, it } from "vitest";
import { drive } from "../../bench/load.ts";

it("a paced load counts the wait of requests that an earlier one delays", async () => {
  const { count, p50Ms } = await drive({
    ...{ clients: 1, maxMs: 10_000, maxCount: 20, perSecond: 1_000 },
    send: (index) => new Promise((resolve) => setTimeout(resolve, index === 0 ? 300 : 0)),
  });
  expect(count).toBe(20);
  expect(p50Ms).toBeGreaterThan(150);
});
