import { describe, expect, it } from "vitest";
import { watchErrorOf } from "../../../src/kube/error.ts";

describe("watchErrorOf", () => {
  it("takes the code, the texts and the pause of a Status", () => {
    const status = {
      code: 429,
      reason: "TooManyRequests",
      message: "later",
      details: { retryAfterSeconds: 2 },
    };
    expect(watchErrorOf(status)).toMatchObject({
      ...{ status: 429, reason: "TooManyRequests", message: "later", serverMessage: "later" },
      retryAfterMs: 2_000,
    });
  });

  it.each([[null], [[]], [{ code: "410", message: {}, reason: 7, details: [] }]])(
    "gives a server error for %j",
    (status) => {
      expect(watchErrorOf(status)).toMatchObject({
        ...{ status: 500, reason: "Unknown", message: "watch error", serverMessage: "watch error" },
        ...{ causes: [], retryAfterMs: undefined },
      });
    },
  );
});
