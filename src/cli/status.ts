import { parseArgs } from "node:util";
import { BILLING_RELEASE, type BillingRelease } from "../api/billing-release.ts";
import { SOVEREIGN, type Sovereign } from "../api/sovereign.ts";
import { type Summary, summariseRelease, summariseSovereign } from "../controllers/summary.ts";
import type { KubeClient } from "../kube/client.ts";
import { resourceOf } from "../kube/resource.ts";
import { errorMessage, UsageError } from "../platform/errors.ts";
import { type Command, EXIT } from "./command.ts";
import { connectToCluster } from "./kubeconfig.ts";

const HELP = `Usage: catalyst status [sovereign NAME | release NAME] [-o text|json]

Shows on one screen what is, what should be, what holds it, since when, and what to do: for a Sovereign, for a
BillingRelease, or for all of them. Reads through the API server with your own rights, and changes nothing. Connects to
the cluster of the file that KUBECONFIG names, or else of its own Pod. As kubectl-catalyst in PATH, it is
kubectl catalyst status.

  -o, --output FORMAT   text (default) or json: a list of {kind, name, ready, is, should, heldBy, also}

Exit codes: 0 all of it is Ready, 1 something is not, 2 wrong usage.
`;

type Target = { kind: "fleet" } | { kind: "sovereign" | "release"; name: string };

export const command: Command = {
  summary: "show what a Sovereign, a release or the fleet is held up by, and what to do",
  help: HELP,
  async run({ args, env, stdout }) {
    const { target, output } = parseArguments(args);
    const client = connectToCluster(env, "catalyst-status");
    try {
      const summaries = await read(client, target);
      stdout.write(
        output === "json" ? `${JSON.stringify(summaries)}\n` : describe(summaries, target, Date.now()),
      );
      return summaries.every(({ ready }) => ready === "True") ? EXIT.done : EXIT.checkFailed;
    } finally {
      await client.close();
    }
  },
};

function parseArguments(args: string[]): { target: Target; output: string } {
  let parsed: { values: { output: string }; positionals: string[] };
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: { output: { type: "string", short: "o", default: "text" } },
    });
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
  const { output } = parsed.values;
  const [kind, name, ...more] = parsed.positionals;
  if (output !== "text" && output !== "json") throw new UsageError("--output must be text or json");
  if (kind === undefined) return { target: { kind: "fleet" }, output };
  if ((kind !== "sovereign" && kind !== "release") || name === undefined || more.length > 0)
    throw new UsageError("use: catalyst status [sovereign NAME | release NAME]");
  return { target: { kind, name }, output };
}

async function read(client: KubeClient, target: Target): Promise<Summary[]> {
  const [sovereigns, releases] = [resourceOf(SOVEREIGN), resourceOf(BILLING_RELEASE)];
  if (target.kind === "release") {
    const release = await client.get<BillingRelease>(releases, target);
    if (release === undefined) throw new Error(`BillingRelease ${target.name} does not exist`);
    return [summariseRelease(release)];
  }
  if (target.kind === "sovereign") {
    const sovereign = await client.get<Sovereign>(sovereigns, target);
    if (sovereign === undefined) throw new Error(`Sovereign ${target.name} does not exist`);
    const release = await client.get<BillingRelease>(releases, { name: sovereign.spec.billing.release });
    return [summariseSovereign(sovereign, release === undefined ? [] : [release])];
  }
  const [fleet, all] = await Promise.all([
    client.list<Sovereign>(sovereigns),
    client.list<BillingRelease>(releases),
  ]);
  return [
    ...all.items.map(summariseRelease),
    ...fleet.items.map((sovereign) => summariseSovereign(sovereign, all.items)),
  ];
}

function describe(summaries: readonly Summary[], target: Target, nowMs: number): string {
  if (summaries.length === 0) return "There is no BillingRelease and no Sovereign.\n";
  const isFleet = target.kind === "fleet";
  const ready = summaries.filter((summary) => summary.ready === "True");
  const others = summaries.filter((summary) => summary.ready !== "True");
  const heading = isFleet ? [`${ready.length} of ${summaries.length} are Ready.`] : [];
  // Of a fleet, those that are Ready take one line each, and come last.
  const blocks = others.map((summary) => describeOne(summary, nowMs));
  const lines = isFleet
    ? ready.map(({ kind, name, is }) => `${kind} ${name}: Ready, ${is}`)
    : ready.flatMap((summary) => describeOne(summary, nowMs));
  return `${[...heading, ...blocks.flat(), ...lines].join("\n")}\n`;
}

function describeOne({ kind, name, ready, is, should, heldBy, also }: Summary, nowMs: number): string[] {
  const state = ready === "True" ? "Ready" : ready === "False" ? "not Ready" : "unknown";
  const since = (at: string) => (at === "" ? "" : `, since ${at} (${age(nowMs - Date.parse(at))})`);
  return [
    `${kind} ${name}: ${state}`,
    `  is:      ${is}`,
    `  should:  ${should}`,
    ...(heldBy === undefined
      ? []
      : [`  held by: ${heldBy.reason}${since(heldBy.since)}`, `           ${heldBy.message}`]),
    ...also.flatMap(({ reason, message }) => [`  also:    ${reason}`, `           ${message}`]),
  ];
}

/** `3d`, `5h`, `12m`, `40s`. */
function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [days, hours, minutes] = [86_400, 3_600, 60].map((unit) => Math.floor(seconds / unit));
  if (days) return `${days}d`;
  if (hours) return `${hours}h`;
  return minutes ? `${minutes}m` : `${seconds}s`;
}
