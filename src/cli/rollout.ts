import { BILLING_RELEASE, type BillingRelease } from "../api/billing-release.ts";
import { findCondition, isConditionTrue, READY, STALLED } from "../api/condition.ts";
import type { Holder, RolloutStatus } from "../api/rollout-status.ts";
import { SOVEREIGN } from "../api/sovereign.ts";
import { desiredAnnotations, type RolloutAction } from "../controllers/billing-release/desired-annotation.ts";
import type { KubeClient } from "../kube/client.ts";
import { resourceOf } from "../kube/resource.ts";
import { whoAmI } from "../kube/self-review.ts";
import { UsageError } from "../platform/errors.ts";
import { type Command, EXIT } from "./command.ts";
import { parseCommandLine } from "./flag.ts";
import { CLUSTER_ENVIRONMENT, CLUSTER_FLAGS, connectToCluster } from "./kubeconfig.ts";
import { readNamed } from "./named-object.ts";
import { unknownName } from "./nearest.ts";
import { formatted, OUTPUT_FLAG } from "./output.ts";
import { table } from "./table.ts";

const ACTIONS = ["pause", "resume", "approve", "skip", "abort"] as const;

const FLAGS = [OUTPUT_FLAG, ...CLUSTER_FLAGS] as const;

export const command: Command = {
  summary: "show, pause, resume, approve, skip or abort the rollout of a release",
  usage: "ACTION RELEASE [NAME]",
  description: [
    "Shows and controls the rollout of a BillingRelease. Acts through the API server with your own rights. It records your name and the image's digest in an annotation of the BillingRelease, so that others see who acted on which image.",
    "As json and yaml, status is {release, phase, ready, message, rollout}, and the other actions are {release, action, result}.",
  ],
  actions: [
    {
      name: "status",
      arguments: "RELEASE",
      summary: "show the state of each Sovereign, what the rollout waits for, and the recorded actions",
    },
    {
      name: "pause",
      arguments: "RELEASE",
      summary: "start no further Sovereign; those that have started finish",
    },
    { name: "resume", arguments: "RELEASE", summary: "end a pause, an abort or a halt" },
    {
      name: "approve",
      arguments: "RELEASE [STAGE]",
      summary: "let a stage start; without STAGE, the one that waits for approval",
    },
    {
      name: "skip",
      arguments: "RELEASE [SOVEREIGN]",
      summary: "leave a Sovereign out; without SOVEREIGN, end the current bake",
    },
    {
      name: "abort",
      arguments: "RELEASE",
      summary:
        "start no further Sovereign; with backward-compatible migrations, return all to the previous image",
    },
  ],
  flags: FLAGS,
  environment: CLUSTER_ENVIRONMENT,
  examples: [
    ["catalyst rollout status stable", "show where the rollout is"],
    ["catalyst rollout pause stable", "stop it while an incident is examined"],
    ["catalyst rollout skip stable omantel", "continue without a Sovereign that cannot take the image"],
  ],
  exitCodes:
    "0 done, or for status, the release is Complete or continues by itself; 1 it waits for a person, or the action is not possible; 2 wrong usage",
  async run({ args, env, stdout }) {
    const { action, release: name, subject, values } = parseArguments(args);
    const client = connectToCluster(env, "catalyst-rollout", values);
    try {
      const release = await readNamed<BillingRelease>(client, BILLING_RELEASE, name);
      if (action === "status") {
        stdout.write(formatted(values.output, summaryOf(release), () => describe(release)));
        return isConditionTrue(release.status?.conditions, STALLED) ? EXIT.checkFailed : EXIT.done;
      }
      const result = await act(client, release, { kind: action, name: subject });
      const done = { release: name, action, result };
      stdout.write(formatted(values.output, done, () => `BillingRelease ${name}: ${result}\n`));
      return EXIT.done;
    } finally {
      await client.close();
    }
  },
};

function parseArguments(args: string[]) {
  const { values, positionals } = parseCommandLine(FLAGS, args, { allowPositionals: true });
  const [word = "", release, subject, ...rest] = positionals;
  const action = (["status", ...ACTIONS] as const).find((known) => known === word);
  if (action === undefined) throw new UsageError(unknownName("action", word, ["status", ...ACTIONS]));
  if (release === undefined)
    throw new UsageError(`name the BillingRelease: catalyst rollout ${action} RELEASE`);
  const takesName = action === "approve" || action === "skip";
  const [surplus] = takesName ? rest : [subject, ...rest];
  if (surplus !== undefined) throw new UsageError(`rollout ${action} does not take ${surplus}`);
  return { action, release, subject, values };
}

async function act(client: KubeClient, release: BillingRelease, action: RolloutAction): Promise<string> {
  const { name } = release.metadata;
  const { kind, name: subject } = action;
  if (kind === "skip" && subject !== undefined) await readNamed(client, SOVEREIGN, subject);
  const { annotations, ...result } = desiredAnnotations(release, action, await whoAmI(client));
  if (annotations === undefined) throw new Error(result.problem);
  await client.mergePatch(resourceOf(BILLING_RELEASE), { name }, { metadata: { annotations } });
  return "done" in result ? result.done : kind;
}

function summaryOf({ metadata, status }: BillingRelease) {
  const ready = findCondition(status?.conditions, READY);
  return {
    release: metadata.name,
    phase: status?.phase,
    ready: ready?.status,
    message: ready?.message,
    rollout: status?.rollout,
  };
}

function describe(release: BillingRelease): string {
  const { spec, status } = release;
  const { phase, message, rollout } = summaryOf(release);
  const lines = [
    `BillingRelease ${release.metadata.name}, version ${spec.version}: ${phase ?? "not reported yet"}`,
    ...(message === undefined ? [] : [message]),
    spec.image,
  ];
  if (rollout === undefined || status === undefined) return `${lines.join("\n")}\n`;
  lines.push("", stageTable(rollout));
  const people = (title: string, holders: readonly Holder[] = []) => {
    if (holders.length === 0) return;
    lines.push("", title);
    for (const { name, state, reason, message: text } of holders)
      lines.push(`  ${name}: ${state}, ${reason}${text === "" ? "" : `: ${text}`}`);
  };
  people("Held up by:", rollout.heldUpBy);
  people("Left out:", rollout.leftOut);
  if (rollout.interventions !== undefined) {
    lines.push("", "What people did:");
    for (const { kind, subject, by, at } of rollout.interventions)
      lines.push(`  ${at} ${kind}${subject === "" ? "" : ` ${subject}`} by ${by}`);
  }
  return `${lines.join("\n")}\n`;
}

function stageTable({ stages, stage: current }: RolloutStatus): string {
  const rows = stages.map(({ name, sovereigns, verified, updating, failed, waiting, leftOut }) => [
    name === current ? `${name} (current)` : name,
    ...[sovereigns, verified, updating, failed, waiting, leftOut].map((count) => String(count ?? 0)),
  ]);
  return table(
    ["STAGE", "SOVEREIGNS", "VERIFIED", "UPDATING", "FAILED", "WAITING", "LEFT OUT"],
    rows,
  ).trimEnd();
}
