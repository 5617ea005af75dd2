import { describe, expect, it } from "vitest";
import { rememberText } from "../../../src/cli/operator/remembered-text.ts";

describe("rememberText", () => {
  it("parses a text once, and gives the same value until the text is another", () => {
    let text: string | undefined = '{"a":1}';
    let parsed = 0;
    const value = rememberText(
      () => text,
      (json) => {
        parsed += 1;
        return { json };
      },
    );
    const first = value();
    expect([value(), first]).toEqual([first, { json: { a: 1 } }]);
    expect(value()).toBe(first);
    expect(parsed).toBe(1);
    text = '{"a":2}';
    expect(value()).toEqual({ json: { a: 2 } });
    expect(parsed).toBe(2);
  });

  it("takes what stands in for a text that is not there, once too", () => {
    const value = rememberText(
      () => undefined,
      (json) => ({ json }),
      { maxActive: 0 },
    );
    expect(value()).toEqual({ json: { maxActive: 0 } });
    expect(value()).toBe(value());
  });

  it("throws while the text cannot be used, and recovers with it", () => {
    let text = "{";
    const value = rememberText(
      () => text,
      (json) => json,
    );
    expect(value).toThrow(SyntaxError);
    expect(value).toThrow(SyntaxError);
    text = "{}";
    expect(value()).toEqual({});
  });
});
