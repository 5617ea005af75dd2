import { runSmokeTest, type SmokeReport } from "../billing/smoke.ts";
import { UsageError } from "../platform/errors.ts";
import { untilAborted } from "../platform/shutdown.ts";
import { type Command, EXIT } from "./command.ts";
import { type Flag, parseCommandLine } from "./flag.ts";
import { CLUSTER_ENVIRONMENT, CLUSTER_FLAGS, readKubeConfig } from "./kubeconfig.ts";
import { formatted, OUTPUT_FLAG } from "./output.ts";
import { connectToBilling } from "./sovereign-billing.ts";
import { readTokenFile } from "./token-file.ts";

const FLAGS = [
  { name: "url", value: "URL", description: "the address of the API, with its path prefix if it has one" },
  {
    name: "sovereign",
    value: "NAME",
    description: "in place of --url: the Sovereign, through the API server as catalyst vouchers does",
  },
  {
    name: "token-file",
    value: "FILE",
    description: "a file with a sovereign-admin's bearer token; with --url, required",
  },
  OUTPUT_FLAG,
  ...CLUSTER_FLAGS,
] as const satisfies readonly Flag[];

export const command: Command = {
  summary: "run the four-step smoke test against a Sovereign",
  usage: "--sovereign NAME | --url URL --token-file FILE",
  description: [
    "Runs four steps against a Sovereign's voucher API: list, issue, public preview, revoke. The issued voucher has a random code, and is revoked even when a step fails.",
    "As json and yaml it is {passed, steps, apiFingerprint, schema}.",
  ],
  flags: FLAGS,
  environment: CLUSTER_ENVIRONMENT,
  examples: [
    ["catalyst smoke --sovereign omantel", "test a Sovereign of this cluster"],
    ["catalyst smoke --url https://omantel.omani.works --token-file token.txt", "test one by its address"],
  ],
  exitCodes: "0 all four steps passed, 1 a step failed, 2 wrong usage",
  endsItself: true,
  async run({ args, env, signal, stdout }) {
    const { values, token, url } = parseFlags(args);
    const billing =
      values.sovereign === undefined
        ? undefined
        : await untilAborted(
            connectToBilling(readKubeConfig(env, values), values.sovereign, "catalyst-smoke"),
            signal,
          );
    try {
      const report = await runSmokeTest({
        baseUrl: billing?.baseUrl ?? url ?? "",
        token: token ?? (billing === undefined ? "" : await untilAborted(billing.signToken(), signal)),
        fetch: billing?.fetch ?? fetch,
        now: () => new Date(),
        signal,
      });
      stdout.write(formatted(values.output, report, () => describe(report)));
      signal.throwIfAborted();
      return report.passed ? EXIT.done : EXIT.checkFailed;
    } finally {
      await billing?.close();
    }
  },
};

function parseFlags(args: string[]) {
  const { values } = parseCommandLine(FLAGS, args);
  const { url, sovereign, "token-file": tokenFile } = values;
  if (url !== undefined && sovereign !== undefined)
    throw new UsageError("--url and --sovereign both name an API: keep one");
  if (sovereign === undefined) {
    if (url === undefined || !/^https?:/.test(URL.parse(url)?.protocol ?? ""))
      throw new UsageError("--url must be an http or https URL, or name a Sovereign with --sovereign");
    if (tokenFile === undefined)
      throw new UsageError("--token-file is required: a file with a sovereign-admin's token");
  }
  return { values, url, token: tokenFile === undefined ? undefined : readTokenFile(tokenFile) };
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
