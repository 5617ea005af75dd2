import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import { createConfigurationFile } from "../../../src/operator/configuration-file.ts";

let text: string | undefined;
let parsed = 0;
const lines: Record<string, unknown>[] = [];
const logger = pino({}, { write: (line) => lines.push(JSON.parse(line)) });

const parse = (json: unknown) => {
  parsed += 1;
  if ((json as { wrong?: boolean }).wrong) throw new Error("wrong must not be set");
  return { json };
};
const file = (more: Partial<Parameters<typeof createConfigurationFile>[0]> = {}) =>
  createConfigurationFile({ name: "grants.json", read: () => text, parse, logger, ...more });

beforeEach(() => {
  text = '{"a":1}';
  parsed = 0;
  lines.length = 0;
});

describe("a configuration file", () => {
  it("is parsed once, and gives the same value until its text is another", () => {
    const value = file();
    const first = value();
    expect([value(), first]).toEqual([first, { json: { a: 1 } }]);
    expect(value()).toBe(first);
    expect(parsed).toBe(1);
    text = '{"a":2}';
    expect(value()).toEqual({ json: { a: 2 } });
    expect(parsed).toBe(2);
  });

  it("has one default value while the file is missing", () => {
    text = undefined;
    const value = file({ absent: { maxActive: 0 } });
    expect(value()).toEqual({ json: { maxActive: 0 } });
    expect(value()).toBe(value());
  });

  it.each([
    ['{"secret":"abc', "not valid JSON"],
    ['{"wrong":true}', "wrong must not be set"],
  ])("keeps its last good value while it is %s, and says why once, without its text", (broken, reason) => {
    const value = file();
    const first = value();
    text = broken;
    expect([value(), value()]).toEqual([first, first]);
    expect(lines).toEqual([expect.objectContaining({ file: "grants.json", reason })]);
    expect(JSON.stringify(lines)).not.toContain("abc");
    text = '{"a":2}';
    expect(value()).toEqual({ json: { a: 2 } });
  });

  it("has the default value when the file was never valid", () => {
    text = "{";
    expect(file({ absent: { b: 1 } })()).toEqual({ json: { b: 1 } });
  });

  it("throws at each use when the file is invalid and no other value may be used, and recovers", () => {
    const value = file({ refuse: (reason) => new Error(`refused: ${reason}`), keepsLast: false });
    expect(value()).toEqual({ json: { a: 1 } });
    text = "{";
    expect(value).toThrow("refused: not valid JSON");
    expect(value).toThrow("refused: not valid JSON");
    expect([parsed, lines.length]).toEqual([1, 1]);
    text = "{}";
    expect(value()).toEqual({ json: {} });
  });

  it("refuses an invalid file only until a valid value was read, if the last valid value may be kept", () => {
    const value = file({ refuse: (reason) => new Error(reason) });
    text = "{";
    expect(value).toThrow("not valid JSON");
    text = "{}";
    const good = value();
    text = "[";
    expect(value()).toBe(good);
  });
});
