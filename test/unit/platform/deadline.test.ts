import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createDeadline } from "../../../src/platform/deadline.ts";

describe("a deadline", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("fires with a TimeoutError when its time is over", () => {
    const { signal, isOver } = createDeadline(1_000);
    vi.advanceTimersByTime(999);
    expect([signal.aborted, isOver()]).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    expect([signal.aborted, isOver(), signal.reason.name]).toEqual([true, true, "TimeoutError"]);
  });

  it("fires with the other signal and its reason, and is not over then", () => {
    const other = new AbortController();
    const { signal, isOver } = createDeadline(1_000, other.signal);
    other.abort("stopped");
    vi.advanceTimersByTime(2_000);
    expect([signal.aborted, signal.reason, isOver()]).toEqual([true, "stopped", false]);
    const late = createDeadline(1_000, other.signal);
    expect([late.signal.aborted, late.signal.reason]).toEqual([true, "stopped"]);
  });

  it("leaves neither a timer nor a listener behind when the work has ended", () => {
    const other = new AbortController();
    // Other test files leave timers in this worker.
    const timers = vi.getTimerCount();
    const { signal, end } = createDeadline(1_000, other.signal);
    expect([getEventListeners(other.signal, "abort").length, vi.getTimerCount()]).toEqual([1, timers + 1]);
    end();
    expect([getEventListeners(other.signal, "abort").length, vi.getTimerCount()]).toEqual([0, timers]);
    other.abort();
    expect(signal.aborted).toBe(false);
  });
});
