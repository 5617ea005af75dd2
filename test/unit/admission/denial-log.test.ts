import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { createDenialLog } from "../../../src/admission/denial-log.ts";
import type { Violation } from "../../../src/admission/rules/fact.ts";
import { creation } from "../../support/builder/admission-request.ts";

const MINUTE_MS = 60_000;
const violation: Violation = { rule: "image-digest", path: "spec", message: "pin it" };

/** A log with a clock, and the lines that it wrote. */
function logWithClock() {
  const clock = { nowMs: 0 };
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { base: null, timestamp: false },
    { write: (line) => void lines.push(JSON.parse(line)) },
  );
  return { clock, lines, log: createDenialLog(logger, () => clock.nowMs) };
}

describe("the log of denials", () => {
  it("names who asked for what, and the rules", () => {
    const { lines, log } = logWithClock();
    log(creation({ name: "app", namespace: "shop", resource: "pods", subresource: "ephemeralcontainers" }), [
      violation,
      { ...violation, rule: "pod-isolation" },
    ]);
    expect(lines).toEqual([
      expect.objectContaining({
        ...{ operation: "CREATE", resource: "pods", subresource: "ephemeralcontainers" },
        ...{
          name: "app",
          namespace: "shop",
          rules: ["image-digest", "pod-isolation"],
          msg: "request denied",
        },
      }),
    ]);
  });

  it("writes a repeated denial once a minute, with the number of repeats", () => {
    const { clock, lines, log } = logWithClock();
    for (const nowMs of [0, 1, MINUTE_MS - 1, MINUTE_MS, MINUTE_MS + 1]) {
      clock.nowMs = nowMs;
      log(creation(), [violation]);
    }
    expect(lines.map(({ repeats }) => repeats)).toEqual([undefined, 2]);
  });

  it.each([
    ["another name", creation({ name: "other" }), [violation]],
    ["another user", creation({ user: { username: "mallory", groups: [] } }), [violation]],
    ["another rule", creation(), [{ ...violation, rule: "pod-isolation" } as const]],
  ])("writes a denial of %s at once", (_, input, violations) => {
    const { lines, log } = logWithClock();
    log(creation(), [violation]);
    log(input, violations);
    expect(lines).toHaveLength(2);
  });

  it("stores a bounded number of denials", () => {
    const { lines, log } = logWithClock();
    for (let index = 0; index <= 2_000; index += 1) log(creation({ name: `app-${index}` }), [violation]);
    log(creation({ name: "app-0" }), [violation]);
    log(creation({ name: "app-2000" }), [violation]);
    expect(lines).toHaveLength(2_002);
  });
});
