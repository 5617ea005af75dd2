import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Caller } from "../../../../../src/billing/auth/token.ts";
import { RequestError } from "../../../../../src/billing/errors.ts";
import { createIssueLimiter } from "../../../../../src/billing/http/limit/issue-limiter.ts";
import { createPreviewLimiter } from "../../../../../src/billing/http/limit/preview-limiter.ts";
import { createRateLimit } from "../../../../../src/billing/http/limit/rate-limit.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The waiting time in a refusal, in milliseconds; undefined when nothing was refused. */
async function refusalOf(attempt: Promise<unknown>): Promise<number | undefined> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    if (error instanceof RequestError && error.code === "rate_limited") return error.retryAfterMs;
    throw error;
  }
}

describe("createRateLimit", () => {
  it("gives each key its points, returns the waiting time, and renews the points", async () => {
    const limit = createRateLimit({ perMinute: 3, refusal: "no" });
    await limit.take("a", 2);
    vi.advanceTimersByTime(20_000);
    await limit.take("a");
    expect(await refusalOf(limit.take("a"))).toBe(40_000);
    expect(await refusalOf(limit.take("b", 3))).toBeUndefined();
    vi.advanceTimersByTime(40_000);
    expect(await refusalOf(limit.take("a"))).toBeUndefined();
  });

  it("does not extend the wait of a client that keeps asking", async () => {
    const limit = createRateLimit({ perMinute: 1, refusal: "no" });
    await limit.take("a");
    for (let second = 1; second < 60; second += 1) {
      vi.advanceTimersByTime(1_000);
      expect(await refusalOf(limit.take("a"))).toBe((60 - second) * 1_000);
    }
    vi.advanceTimersByTime(1_000);
    expect(await refusalOf(limit.take("a"))).toBeUndefined();
  });

  it("counts without taking, and refuses where the count has reached the limit", async () => {
    const limit = createRateLimit({ perMinute: 2, refusal: "no" });
    expect(await limit.requireRoom("a")).toBe(0);
    await limit.count("a");
    expect(await limit.requireRoom("a")).toBe(1);
    await limit.count("a");
    expect(await refusalOf(limit.requireRoom("a"))).toBe(60_000);
  });

  it("ignores a window that has ended, also when its timer is late", async () => {
    const limit = createRateLimit({ perMinute: 1, refusal: "no" });
    await limit.count("a");
    vi.setSystemTime(Date.now() + 60_001);
    expect(await limit.requireRoom("a")).toBe(0);
  });

  it("drops the oldest tenth of its keys at its limit, and never holds more", async () => {
    const limit = createRateLimit({ perMinute: 1, refusal: "no", maxKeys: 100 });
    for (let key = 0; key < 100; key += 1) await limit.take(`key-${key}`);
    // A refused key is not new, so it removes no other key.
    expect(await refusalOf(limit.take("key-0"))).toBe(60_000);
    await limit.take("one-more");
    expect(await refusalOf(limit.take("key-11"))).toBe(60_000);
    expect(await refusalOf(limit.take("key-10"))).toBeUndefined();
    // Each key that is held has one timer.
    for (let key = 0; key < 5_000; key += 1) {
      await limit.take(`flood-${key}`);
      expect(vi.getTimerCount()).toBeLessThanOrEqual(100);
    }
    expect(vi.getTimerCount()).toBeGreaterThan(80);
  });
});

describe("createPreviewLimiter", () => {
  const found = async () => "voucher";
  const nothing = async () => undefined;

  it("refuses active codes after too many misses", async () => {
    const limiter = createPreviewLimiter({ limits: { perMinute: 10, missesPerMinute: 2 } });
    expect(await limiter.admit("a", found)).toBe("voucher");
    await limiter.admit("a", nothing);
    await limiter.admit("a", nothing);
    expect(await refusalOf(limiter.admit("a", found))).toBe(60_000);
    expect(await limiter.admit("b", found)).toBe("voucher");
  });

  it("runs at most as many lookups as may miss, and continues when they hit", async () => {
    const limiter = createPreviewLimiter({ limits: { perMinute: 0, missesPerMinute: 3 } });
    const running: ((found: string | undefined) => void)[] = [];
    const slow = () => new Promise<string | undefined>((resolve) => running.push(resolve));
    const asked = Array.from({ length: 9 }, () => refusalOf(limiter.admit("a", slow)));
    await vi.advanceTimersByTimeAsync(0);
    expect(running).toHaveLength(3);
    for (const finish of running.splice(0)) finish("voucher");
    await vi.advanceTimersByTimeAsync(0);
    expect(running).toHaveLength(3);
    running.splice(0, 1)[0]?.(undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect(running).toHaveLength(2);
    for (const finish of running.splice(0)) finish(undefined);
    expect(await Promise.all(asked)).toEqual([...Array(6).fill(undefined), ...Array(3).fill(60_000)]);
  });

  it("counts a failed lookup neither as a hit nor as a miss", async () => {
    const limiter = createPreviewLimiter({ limits: { perMinute: 0, missesPerMinute: 1 } });
    const broken = () => limiter.admit("a", () => Promise.reject(new Error("the database is unreachable")));
    await expect(broken()).rejects.toThrow("the database is unreachable");
    await expect(broken()).rejects.toThrow("the database is unreachable");
    expect(await limiter.admit("a", found)).toBe("voucher");
  });

  it.each([0, 1])("treats 0 as no limit when the other limit is %i", async (other) => {
    const misses = createPreviewLimiter({ limits: { perMinute: other, missesPerMinute: 0 } });
    const asked = createPreviewLimiter({ limits: { perMinute: 0, missesPerMinute: other } });
    expect(await misses.admit("a", nothing)).toBeUndefined();
    expect(await asked.admit("a", found)).toBe("voucher");
    expect(await asked.admit("a", found)).toBe("voucher");
  });
});

describe("createIssueLimiter", () => {
  const caller = (userId: string, issuer: Caller["issuer"] = "oidc"): Caller => ({
    userId,
    email: "",
    roles: new Set(),
    issuer,
    token: { issuer, id: "t" },
  });

  it("counts per user and issuer, and does not count the operator", async () => {
    const limit = createIssueLimiter({ perMinute: 1 });
    expect(await refusalOf(limit(caller("a")))).toBeUndefined();
    expect(await refusalOf(limit(caller("a")))).toBe(60_000);
    expect(await refusalOf(limit(caller("b")))).toBeUndefined();
    expect(await refusalOf(limit(caller("a", "shared-secret")))).toBeUndefined();
    for (let count = 0; count < 5; count += 1)
      expect(await refusalOf(limit(caller("operator", "operator")))).toBeUndefined();
  });

  it("allows once a minute a request that costs more than the limit", async () => {
    const limit = createIssueLimiter({ perMinute: 5 });
    expect(await refusalOf(limit(caller("a"), 10))).toBeUndefined();
    expect(await refusalOf(limit(caller("a")))).toBe(60_000);
  });

  it("takes 0 for no limit", async () => {
    const limit = createIssueLimiter({ perMinute: 0 });
    for (let count = 0; count < 500; count += 1) await limit(caller("a"));
  });
});
