import { describe, expect, it } from "vitest";
import { parseTraceparent, traceContextOf } from "../../../../src/billing/http/trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

describe("parseTraceparent", () => {
  it.each([
    ["sampled", `00-${TRACE}-${PARENT}-01`, true],
    ["not sampled", `00-${TRACE}-${PARENT}-00`, false],
    ["with unknown flags", `00-${TRACE}-${PARENT}-fe`, false],
    ["of a later version", `cc-${TRACE}-${PARENT}-01-what-comes-later`, true],
  ])("accepts a traceparent that is %s", (_what, text, sampled) =>
    expect(parseTraceparent(text)).toEqual({ traceId: TRACE, sampled }),
  );

  it.each([
    ["version ff", `ff-${TRACE}-${PARENT}-01`],
    ["more than version 00 has", `00-${TRACE}-${PARENT}-01-more`],
    ["a later version glued on", `cc-${TRACE}-${PARENT}-01more`],
    ["upper case", `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ["a trace of zeros", `00-${"0".repeat(32)}-${PARENT}-01`],
    ["a parent of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["a short trace", `00-${TRACE.slice(1)}-${PARENT}-01`],
    ["two headers", `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
    ["blanks", ` 00-${TRACE}-${PARENT}-01`],
    ["nothing", ""],
  ])("refuses %s", (_what, text) => expect(parseTraceparent(text)).toBeUndefined());
});

describe("traceContextOf", () => {
  it("continues the caller's trace with a new span, and keeps the vendors' state", () => {
    const context = traceContextOf({ traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "a=b,c=d" });
    expect(context).toEqual({
      traceId: TRACE,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      sampled: true,
      state: "a=b,c=d",
    });
    expect(context.spanId).not.toBe(PARENT);
  });

  it("continues the trace of a caller without a state", () => {
    expect(traceContextOf({ traceparent: `00-${TRACE}-${PARENT}-00` })).toEqual({
      traceId: TRACE,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      sampled: false,
    });
  });

  it.each([undefined, "nonsense", `ff-${TRACE}-${PARENT}-01`])(
    "starts a trace for %s, without state",
    (traceparent) => {
      const context = traceContextOf({
        ...(traceparent === undefined ? {} : { traceparent }),
        tracestate: "a=b",
      });
      expect(context).toEqual({
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
        spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
        sampled: false,
      });
      expect(context.traceId).not.toBe(TRACE);
    },
  );

  it("drops a state that is too long or has special characters", () => {
    for (const tracestate of ["a=\u0001", `a=${"b".repeat(511)}`])
      expect(traceContextOf({ traceparent: `00-${TRACE}-${PARENT}-01`, tracestate })).not.toHaveProperty(
        "state",
      );
  });
});
