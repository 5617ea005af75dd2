import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { formatTable } from "../../../../src/playground/story/ending.ts";
import {
  createNarrator,
  formatDuration,
  type NarratorOptions,
  StoryStopped,
} from "../../../../src/playground/story/narrator.ts";

function capture(isTTY: boolean, options: NarratorOptions = {}) {
  const out = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY });
  return { narrator: createNarrator(out, options), text: () => (out.read() as string | null) ?? "" };
}

describe("narrator", () => {
  it("prints plain lines into a pipe: title, time, observations", async () => {
    const { narrator, text } = capture(false);
    await narrator.step("The database answers", async (observe) => observe("secret billing-db"));
    expect(text()).toMatch(/^ {2}ok The database answers +\d+ ms\n {6}secret billing-db\n$/);
    expect(narrator.count()).toEqual({ passed: 1, failed: 0 });
  });

  it("says what failed, keeps what was seen before, and rethrows", async () => {
    const { narrator, text } = capture(false);
    const step = narrator.step("Ready", async (observe) => {
      observe("RolledOut=True");
      throw new Error("smoke: 500");
    });
    await expect(step).rejects.toThrow("smoke: 500");
    expect(text()).toMatch(/FAILED Ready[^\n]*\n {6}RolledOut=True\n {6}smoke: 500\n$/);
    expect(narrator.count()).toEqual({ passed: 0, failed: 1 });
  });

  it("says that a step was stopped, which has neither held nor failed, whatever its action says later", async () => {
    const stop = new AbortController();
    const { narrator, text } = capture(false, { signal: stop.signal });
    const action = Promise.withResolvers<void>();
    const step = narrator.step("Ready", () => action.promise);
    stop.abort();
    await expect(step).rejects.toThrow(StoryStopped);
    action.reject(new Error("The client is closed"));
    expect(text()).toMatch(/^ {2}stopped Ready +\d+ ms\n$/);
    expect(narrator.count()).toEqual({ passed: 0, failed: 0 });
  });

  it("writes no escape sequence into a pipe and colours a terminal", async () => {
    const pipe = capture(false);
    await pipe.narrator.step("a", async () => {});
    expect(pipe.text()).not.toContain("\u001b");
    const terminal = capture(true);
    await terminal.narrator.step("a", async () => {});
    expect(terminal.text()).toContain("\u001b[32m✔");
  });
});

describe("durations and tables", () => {
  it.each([
    [0.4, "0 ms"],
    [999, "999 ms"],
    [1000, "1.0 s"],
    [12_345, "12.3 s"],
  ])("shows %d ms as %s", (durationMs, text) => expect(formatDuration(durationMs)).toBe(text));

  it("pads columns to the widest cell", () => {
    expect(
      formatTable([
        ["A", "B"],
        ["long", "x"],
      ]),
    ).toEqual(["A     B", "long  x"]);
  });
});
