import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  createReviewDeadline,
  DeadlineExceeded,
  type ReviewDeadline,
} from "../../../src/admission/review-deadline.ts";

describe("createReviewDeadline", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const endless = () => new Promise<never>(() => {});

  /** Only a deadline without a timer sets one for its next work. Other test files leave timers in this worker. */
  function expectNoTimer(withinDeadline: ReviewDeadline): void {
    const timers = vi.getTimerCount();
    withinDeadline(endless).catch(() => {});
    expect(vi.getTimerCount()).toBe(timers + 1);
  }

  it("passes the result or the error of work that ends in time, and does not fire its signal", async () => {
    const withinDeadline = createReviewDeadline(100);
    const signals: AbortSignal[] = [];
    expect(
      await withinDeadline(async (signal) => {
        signals.push(signal());
        return "done";
      }),
    ).toBe("done");
    await expect(withinDeadline(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(signals[0]?.aborted).toBe(false);
    expectNoTimer(withinDeadline);
  });

  it("rejects each of several works after its own time, counted from its begin", async () => {
    const withinDeadline = createReviewDeadline(100);
    const ends: string[] = [];
    const begin = (name: string) =>
      withinDeadline(endless).catch((error) => {
        expect(error).toEqual(new DeadlineExceeded("the review took longer than 100 ms"));
        ends.push(name);
      });
    void begin("first");
    await vi.advanceTimersByTimeAsync(60);
    void begin("second");
    await vi.advanceTimersByTimeAsync(39);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual(["first"]);
    await vi.advanceTimersByTimeAsync(59);
    expect(ends).toEqual(["first"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual(["first", "second"]);
    void begin("third");
    await vi.advanceTimersByTimeAsync(100);
    expect(ends).toEqual(["first", "second", "third"]);
  });

  it("keeps the time of other works when one ends first, in the middle, last, or after its deadline", async () => {
    const withinDeadline = createReviewDeadline(100);
    const ends: string[] = [];
    function begin(name: string): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      void withinDeadline(() => promise).then(
        () => ends.push(`${name} done`),
        () => ends.push(`${name} late`),
      );
      return resolve;
    }
    const [endFirst, endSecond, endThird, , endFifth] = ["1", "2", "3", "4", "5"].map(begin);
    for (const end of [endSecond, endFirst, endFifth]) end?.();
    await vi.advanceTimersByTimeAsync(50);
    begin("6");
    await vi.advanceTimersByTimeAsync(50);
    expect(ends).toEqual(["2 done", "1 done", "5 done", "3 late", "4 late"]);
    endThird?.();
    const endSeventh = begin("7");
    await vi.advanceTimersByTimeAsync(50);
    endSeventh();
    await vi.advanceTimersByTimeAsync(500);
    expect(ends.slice(5)).toEqual(["6 late", "7 done"]);
    expectNoTimer(withinDeadline);
  });

  it("gives work one signal, which fires at the deadline with the error", async () => {
    const signals: AbortSignal[] = [];
    const work = createReviewDeadline(100)((signal) => {
      signals.push(signal(), signal());
      return endless();
    });
    const refused = expect(work).rejects.toBeInstanceOf(DeadlineExceeded);
    await vi.advanceTimersByTimeAsync(100);
    await refused;
    expect(signals[0]).toBe(signals[1]);
    expect(signals[0]?.reason).toBeInstanceOf(DeadlineExceeded);
  });

  it("fires a signal at once that work asks for after its deadline", async () => {
    const ask = Promise.withResolvers<() => AbortSignal>();
    const work = createReviewDeadline(100)((signal) => {
      ask.resolve(signal);
      return endless();
    });
    const refused = expect(work).rejects.toBeInstanceOf(DeadlineExceeded);
    await vi.advanceTimersByTimeAsync(100);
    await refused;
    expect((await ask.promise)().aborted).toBe(true);
  });
});
