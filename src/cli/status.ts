import { BILLING_RELEASE, type BillingRelease } from "../api/billing-release.ts";
import { SOVEREIGN, type Sovereign } from "../api/sovereign.ts";
import { type Summary, summariseRelease, summariseSovereign } from "../controllers/summary.ts";
import type { KubeClient } from "../kube/client.ts";
import { resourceOf } from "../kube/resource.ts";
import { UsageError } from "../platform/errors.ts";
import { type Command, EXIT } from "./command.ts";
import { parseCommandLine } from "./flag.ts";
import { CLUSTER_ENVIRONMENT, CLUSTER_FLAGS, connectToCluster } from "./kubeconfig.ts";
import { listAll, readNamed } from "./named-object.ts";
import { formatted, OUTPUT_FLAG } from "./output.ts";
import { describeFleet, describeObject } from "./status-text.ts";

const FLAGS = [OUTPUT_FLAG, ...CLUSTER_FLAGS] as const;

type Target = { kind: "fleet" } | { kind: "sovereign" | "release"; name: string };

export const command: Command = {
  summary: "show the state of a Sovereign, a release or the fleet, what it waits for, and what to do",
  usage: "[sovereign NAME | release NAME]",
  description: [
    "Shows on one screen the present state, the desired state, what the object waits for and since when, and what to do: for a Sovereign, for a BillingRelease, or for all of them. Of a large fleet it shows the first that are not Ready, and counts the rest; -o json has all of them. Reads through the API server with your own rights, and changes nothing.",
    "As json and yaml it is a list of {kind, name, ready, is, should, heldBy, also}, and completedAt for a release whose rollout is complete.",
  ],
  flags: FLAGS,
  environment: CLUSTER_ENVIRONMENT,
  examples: [
    ["catalyst status", "show the whole fleet"],
    ["catalyst status sovereign omantel", "show what one Sovereign waits for"],
    ["catalyst status release stable -o json", "give the state of a release to another program"],
  ],
  exitCodes: "0 each object is Ready, 1 an object is not, 2 wrong usage",
  async run({ args, env, stdout }) {
    const { target, values } = parseArguments(args);
    const client = connectToCluster(env, "catalyst-status", values);
    try {
      const summaries = await readSummaries(client, target);
      stdout.write(formatted(values.output, summaries, () => describe(summaries, target, Date.now())));
      return summaries.every(({ ready }) => ready === "True") ? EXIT.done : EXIT.checkFailed;
    } finally {
      await client.close();
    }
  },
};

function parseArguments(args: string[]) {
  const { values, positionals } = parseCommandLine(FLAGS, args, { allowPositionals: true });
  const [kind, name, ...more] = positionals;
  const target = (chosen: Target) => ({ target: chosen, values });
  if (kind === undefined) return target({ kind: "fleet" });
  if ((kind !== "sovereign" && kind !== "release") || name === undefined || more.length > 0)
    throw new UsageError("use: catalyst status [sovereign NAME | release NAME]");
  return target({ kind, name });
}

async function readSummaries(client: KubeClient, target: Target): Promise<Summary[]> {
  if (target.kind === "release") {
    return [summariseRelease(await readNamed<BillingRelease>(client, BILLING_RELEASE, target.name))];
  }
  if (target.kind === "sovereign") {
    const sovereign = await readNamed<Sovereign>(client, SOVEREIGN, target.name);
    const release = await client.get<BillingRelease>(resourceOf(BILLING_RELEASE), {
      name: sovereign.spec.billing.release,
    });
    return [summariseSovereign(sovereign, release === undefined ? [] : [release])];
  }
  const [fleet, all] = await Promise.all([
    listAll<Sovereign>(client, SOVEREIGN),
    listAll<BillingRelease>(client, BILLING_RELEASE),
  ]);
  return [...all.map(summariseRelease), ...fleet.map((sovereign) => summariseSovereign(sovereign, all))];
}

const describe = (summaries: readonly Summary[], { kind }: Target, nowMs: number): string =>
  kind === "fleet"
    ? describeFleet(summaries, nowMs)
    : summaries.map((summary) => describeObject(summary, nowMs)).join("");
