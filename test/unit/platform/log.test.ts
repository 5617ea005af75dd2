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

  it.each([
    ["a text", { password: 'a"b\\' }, '{"password":"[redacted]"}'],
    ["a number", { token: 5, next: 1 }, '{"token":"[redacted]","next":1}'],
    ["one deep down", { a: [{ b: { Cookie: "c", d: 1 } }] }, '{"a":[{"b":{"Cookie":"[redacted]","d":1}}]}'],
    ["null", { secret: null }, '{"secret":"[redacted]"}'],
  ])("leaves out a member that is called a secret: %s", (_what, line, expected) => {
    expect(redactSecrets(JSON.stringify(line))).toBe(expected);
    expect(JSON.parse(expected)).toBeTypeOf("object");
  });

  it.each(["http://127.0.0.1:8085/billing", "sovereign/omantel: a@b.example", "eyJ", "risk_test_1"])(
    "leaves %s as it is",
    (text) => expect(redactSecrets(text)).toBe(text),
  );
});
