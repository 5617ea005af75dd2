import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { redactSecrets } from "../../../src/platform/log.ts";

describe("redactSecrets", () => {
  it.each([
    ["a token", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln-_x end", "Bearer [redacted] end"],
    ["a token without a signature", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", "[redacted]"],
    ["a URL's password", "postgres://app:hunter2@db:5432/x", "postgres://app:[redacted]@db:5432/x"],
    ["a password without a user", '{"url":"redis://:p%40ss@h"}', '{"url":"redis://:[redacted]@h"}'],
    ["a token behind one that is too short", "eyJshort.eyJhbGciOiJub25lIn0.e.", "eyJshort.[redacted]"],
    ["a payment key in a run that begins as a token", "eyJ-sk_live_4eC39HqL", "eyJ-[redacted]"],
    ["a token that is a URL's password", "x://u:eyJhbGciOiJub25lIn0.e.s@h", "x://u:[redacted]@h"],
    ["a payment key", "key sk_live_4eC39HqL and whsec_abc123.", "key [redacted] and [redacted]."],
    [
      "a payment key and a token at the beginning of a line, in JSON",
      '{"msg":"key\\nsk_live_4eC39HqL\\neyJhbGciOiJub25lIn0.e."}',
      '{"msg":"key\\n[redacted]\\n[redacted]"}',
    ],
  ])("leaves out %s", (_what, text, expected) => expect(redactSecrets(text)).toBe(expected));

  it.each([
    ["a text", { password: 'a"b\\' }, '{"password":"[redacted]"}'],
    ["a number", { token: 5, next: 1 }, '{"token":"[redacted]","next":1}'],
    ["one deep down", { a: [{ b: { Cookie: "c", d: 1 } }] }, '{"a":[{"b":{"Cookie":"[redacted]","d":1}}]}'],
    ["null", { secret: null }, '{"secret":"[redacted]"}'],
    [
      "one of JSON in a text",
      { message: `400: ${JSON.stringify({ token: "a b", next: 1 })}, ${JSON.stringify({ secret: 5 })}` },
      String.raw`{"message":"400: {\"token\":\"[redacted]\",\"next\":1}, {\"secret\":\"[redacted]\"}"}`,
    ],
  ])("leaves out a member that is called a secret: %s", (_what, line, expected) => {
    expect(redactSecrets(JSON.stringify(line))).toBe(expected);
    expect(JSON.parse(expected)).toBeTypeOf("object");
  });

  it.each(["http://127.0.0.1:8085/billing", "sovereign/omantel: a@b.example", "eyJ", "risk_test_1"])(
    "leaves %s as it is",
    (text) => expect(redactSecrets(text)).toBe(text),
  );
});

describe("the time that redactSecrets takes", () => {
  const LENGTH = 5_000;
  const PIECES = 128;

  function takenMs(texts: string[]): number {
    const startedAt = performance.now();
    for (const text of texts) redactSecrets(text);
    return performance.now() - startedAt;
  }

  it.each([
    ...["a", "eyJ-", "eyJ", "eyJaaaaaaaa.", "eyJ.", "://", "://a:", "://:", ":a", "sk_live_"],
    ...['"token":"', '"token":\\"', '\\"token\\":', '\\"token\\":\\"', '\\"token\\":\\"a\\'],
  ])("grows no faster than the length of a text of %j", (part) => {
    const piece = part.repeat(LENGTH / part.length);
    const pieces = Array.from({ length: PIECES }, () => piece);
    // One text of the same length takes about as long. With the square of the length, it would take 128 times as long. Other work
    // of the machine may delay a run, but not each of them.
    const ratios: number[] = [];
    while (ratios.length < 30 && Math.min(...ratios) >= 20)
      ratios.push(takenMs([piece.repeat(PIECES)]) / takenMs(pieces));
    expect(Math.min(...ratios)).toBeLessThan(20);
  });
});

describe("a logger that writes behind", () => {
  const LOG = pathToFileURL(resolve(import.meta.dirname, "../../../src/platform/log.ts")).href;

  /** The stderr of a new process. */
  function run(script: string) {
    const source = `const { createLogger } = await import(${JSON.stringify(LOG)}); const logger = createLogger("t", "info", { behind: true }); ${script}`;
    return spawnSync(process.execPath, ["--input-type=module", "--eval", source], { encoding: "utf8" });
  }
  it.each([
    ["ends by itself", ""],
    ["exits at once", "process.exit(0)"],
    ["fails", "throw new Error()"],
    ["runs on for a while", "setTimeout(() => process.kill(process.pid, 'SIGKILL'), 500)"],
  ])("writes every line in order, and no secret, when its process %s", (_what, end) => {
    // More lines than one write takes, and a remainder.
    const { stderr } = run(
      `for (let n = 0; n < 1500; n += 1) logger.info({ n, password: "hunter2" }, "x".repeat(50)); ${end}`,
    );
    // After an error, Node writes it below.
    const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
    expect(lines.map((line) => JSON.parse(line).n)).toEqual(Array.from({ length: 1_500 }, (_, n) => n));
    expect(lines.join()).not.toContain("hunter2");
  });
});
