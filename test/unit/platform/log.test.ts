import { describe, expect, it } from "vitest";
import { redactSecrets } from "../../../src/platform/log.ts";

describe("redactSecrets", () => {
  it.each([
    ["a token", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln-_x end", "Bearer [redacted] end"],
    ["a token without a signature", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", "[redacted]"],
    ["a URL's password", "postgres://app:hunter2@db:5432/x", "postgres://app:[redacted]@db:5432/x"],
    ["a password without a user", '{"url":"redis://:p%40ss@h"}', '{"url":"redis://:[redacted]@h"}'],
    ["a payment key", "key sk_live_4eC39HqL and whsec_abc123.", "key [redacted] and [redacted]."],
  ])("leaves out %s", (_what, text, expected) => expect(redactSecrets(text)).toBe(expected));

  it.each(["http://127.0.0.1:8085/billing", "sovereign/omantel: a@b.example", "eyJ", "risk_test_1"])(
    "leaves %s as it is",
    (text) => expect(redactSecrets(text)).toBe(text),
  );
});
