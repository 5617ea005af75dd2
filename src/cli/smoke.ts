import { readFileSync } from "node:fs";
import { runSmokeTest, type SmokeReport } from "../billing/smoke.ts";
import { UsageError } from "../platform/errors.ts";
import { type Command, EXIT } from "./command.ts";
import { type Flag, parseCommandLine } from "./flag.ts";
import { formatted, OUTPUT_FLAG } from "./output.ts";

const FLAGS = [
  { name: "url", value: "URL", description: "the address of the API, with its path prefix if it has one" },
  { name: "token-file", value: "FILE", description: "a file with a sovereign-admin's bearer token" },
  OUTPUT_FLAG,
] as const satisfies readonly Flag[];

export const command: Command = {
  summary: "run the four-step smoke test against a Sovereign",
  usage: "--url URL --token-file FILE",
  description: [
    "Runs four steps against a Sovereign's voucher API: list, issue, public preview, revoke. The issued voucher has a random code, and is revoked even when a step fails.",
    "As json and yaml it is {passed, steps, apiFingerprint, schema}.",
  ],
  flags: FLAGS,
  exitCodes: "0 all four steps passed, 1 a step failed, 2 wrong usage",
  async run({ args, signal, stdout }) {
    const { url, tokenFile, output } = parseFlags(args);
    const report = await runSmokeTest({
      baseUrl: url,
      token: readToken(tokenFile),
      fetch,
      now: () => new Date(),
      signal,
    });
    stdout.write(formatted(output, report, () => describe(report)));
    return report.passed ? EXIT.done : EXIT.checkFailed;
  },
};

function parseFlags(args: string[]) {
  const { values } = parseCommandLine(FLAGS, args);
  const { url, "token-file": tokenFile, output } = values;
  if (url === undefined || !/^https?:/.test(URL.parse(url)?.protocol ?? ""))
    throw new UsageError("--url must be an http or https URL");
  if (tokenFile === undefined)
    throw new UsageError("--token-file is required: a file with a sovereign-admin's token");
  return { url, tokenFile, output };
}

function readToken(path: string): string {
  let token: string;
  try {
    token = readFileSync(path, "utf8").trim();
  } catch {
    throw new UsageError(`--token-file cannot be read: ${path}`);
  }
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError(`--token-file does not contain a token: ${path}`);
  return token;
}

function describe(report: SmokeReport): string {
  const lines = report.steps.map(
    ({ name, passed, durationMs, message }) =>
      `${passed ? "ok    " : "FAILED"} ${name.padEnd(8)} ${String(Math.round(durationMs)).padStart(5)} ms  ${message}`,
  );
  const schema =
    report.schema === undefined ? "not ready" : `${report.schema.version} ${report.schema.fingerprint}`;
  return `${lines.join("\n")}\nschema  ${schema}\napi     ${report.apiFingerprint ?? "not readable"}\n`;
}
