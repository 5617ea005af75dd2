import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import {
  createReporter,
  formatDuration,
  type ReporterOptions,
  StoryStopped,
} from "../../../../src/playground/story/reporter.ts";
import { formatTable } from "../../../../src/playground/story/summary.ts";
import { eventually } from "../../../support/wait.ts";

function capture(isTTY: boolean, options: ReporterOptions = {}) {
  const out = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY });
  return { reporter: createReporter(out, options), text: () => (out.read() as string | null) ?? "" };
}

describe("the story reporter", () => {
  it("prints one line for a step that passes: its title and its duration, in 80 columns", async () => {
    const { reporter, text } = capture(false);
    await reporter.step("The database answers", async (observe) => observe("secret billing-db"));
    const printed = text();
    expect(printed).toMatch(/^ {2}ok The database answers +\d+ ms\n$/);
    expect(printed.length).toBeLessThanOrEqual(80);
    expect(reporter.count()).toEqual({ passed: 1, failed: 0 });
  });

  it("prints the observations below the line when it is verbose, with short digests", async () => {
    const { reporter, text } = capture(false, { verbose: true });
    const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
    await reporter.step("The digest is pinned", async (observe) => observe(`a@${digest},\nb@${digest}`));
    expect(text()).toMatch(/ ms\n {6}a@sha256:0123456789ab…,\n {6}b@sha256:0123456789ab…\n$/);
  });

  it("prints a failed step with its observations and its error, and throws the error", async () => {
    const { reporter, text } = capture(false);
    const step = reporter.step("Ready", async (observe) => {
      observe("RolledOut=True");
      throw new Error("smoke: 500");
    });
    await expect(step).rejects.toThrow("smoke: 500");
    expect(text()).toMatch(/FAILED Ready[^\n]*\n {6}RolledOut=True\n {6}smoke: 500\n$/);
    expect(reporter.count()).toEqual({ passed: 0, failed: 1 });
  });

  it("counts a stopped step as neither passed nor failed, even if its action ends later", async () => {
    const stop = new AbortController();
    const { reporter, text } = capture(false, { signal: stop.signal });
    const action = Promise.withResolvers<void>();
    const step = reporter.step("Ready", () => action.promise);
    stop.abort();
    await expect(step).rejects.toThrow(StoryStopped);
    action.reject(new Error("The client is closed"));
    expect(text()).toMatch(/^ {2}stopped Ready +\d+ ms\n$/);
    expect(reporter.count()).toEqual({ passed: 0, failed: 0 });
  });

  it("writes colours to a terminal and no escape sequence to a pipe", async () => {
    const pipe = capture(false);
    await pipe.reporter.step("a", async () => {});
    expect(pipe.text()).not.toContain("\u001b");
    const terminal = capture(true);
    await terminal.reporter.step("a", async () => {});
    expect(terminal.text()).toContain("\u001b[32m✔");
  });

  it("shows on a terminal which step is running, and removes that line before the next one", async () => {
    const { reporter, text } = capture(true, { noColor: true });
    const work = Promise.withResolvers<void>();
    const during = reporter.during("PostgreSQL starts", work.promise);
    let shown = "";
    await eventually(() => {
      shown += text();
      expect(shown).toContain("\r\u001b[K\u001b[?7l  ⠋ PostgreSQL starts ");
    });
    reporter.line("next");
    expect(text()).toContain("\r\u001b[Knext\n");
    work.resolve();
    await during;
    reporter.line("last");
    expect(text()).toMatch(/last\n$/);
  });

  it("prints nothing to a pipe while it waits", async () => {
    const { reporter, text } = capture(false);
    await reporter.during("PostgreSQL starts", Promise.resolve());
    expect(text()).toBe("");
  });
});

describe("formatting", () => {
  it.each([
    [0.4, "0 ms"],
    [999, "999 ms"],
    [1000, "1.0 s"],
    [12_345, "12.3 s"],
  ])("formats %d ms as %s", (durationMs, text) => expect(formatDuration(durationMs)).toBe(text));

  it("pads each column of a table to its widest cell", () => {
    expect(
      formatTable([
        ["A", "B"],
        ["long", "x"],
      ]),
    ).toEqual(["A     B", "long  x"]);
  });
});
