import { describe, expect, it } from "vitest";
import { errorMessage } from "../../../src/platform/errors.ts";

describe("error message", () => {
  it("names the host and the cause of a request that could not be sent", async () => {
    const failed = await fetch("http://nowhere.invalid/billing").catch((error: unknown) => error);
    expect(errorMessage(failed)).toMatch(/^fetch failed: getaddrinfo \w+ nowhere\.invalid$/);
  });

  it("names each address that was tried", () => {
    const cause = new AggregateError([
      new Error("connect ECONNREFUSED ::1:7446"),
      new Error("connect ECONNREFUSED 127.0.0.1:7446"),
    ]);
    expect(errorMessage(new TypeError("fetch failed", { cause }))).toBe(
      "fetch failed: connect ECONNREFUSED ::1:7446; connect ECONNREFUSED 127.0.0.1:7446",
    );
  });
});
