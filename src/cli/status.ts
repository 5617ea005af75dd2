import { BILLING_RELEASE, type BillingRelease } from "../api/billing-release.ts";
import { SOVEREIGN, type Sovereign } from "../api/sovereign.ts";
import { type Summary, summariseRelease, summariseSovereign } from "../controllers/summary.ts";
import type { KubeClient } from "../kube/client.ts";
import { resourceOf } from "../kube/resource.ts";
import { UsageError } from "../platform/errors.ts";
import { type Command, EXIT, parseCommandLine } from "./command.ts";
import { connectToCluster } from "./kubeconfig.ts";
import { describeFleet, describeObject } from "./status-text.ts";

const HELP = `Usage: catalyst status [sovereign NAME | release NAME] [-o text|json]

Shows on one screen what is, what should be, what holds it, since when, and what to do: for a Sovereign, for a
BillingRelease, or for all of them. Of a large fleet it shows the first that are not Ready, and counts the rest: -o json
has them all. Reads through the API server with your own rights, and changes nothing. Connects to the cluster of the file
that KUBECONFIG names, or else of its own Pod. As kubectl-catalyst in PATH, it is kubectl catalyst status.

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
  const { values, positionals } = parseCommandLine({
    args,
    allowPositionals: true,
    options: { output: { type: "string", short: "o", default: "text" } },
  });
  const { output } = values;
  const [kind, name, ...more] = positionals;
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

const describe = (summaries: readonly Summary[], { kind }: Target, nowMs: number): string =>
  kind === "fleet"
    ? describeFleet(summaries, nowMs)
    : summaries.map((summary) => describeObject(summary, nowMs)).join("");
