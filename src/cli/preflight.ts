import type { Check } from "../operator/preflight/check.ts";
import { inspectCluster, type Preflight } from "../operator/preflight/inspection.ts";
import { createEnvReader, type Env } from "../platform/env.ts";
import { type Command, EXIT } from "./command.ts";
import { type Flag, parseCommandLine } from "./flag.ts";
import { readIdentityLists } from "./identity-flag.ts";
import { CLUSTER_ENVIRONMENT, CLUSTER_FLAGS, connectToCluster } from "./kubeconfig.ts";
import { FLAGS as OPERATOR_FLAGS } from "./operator-flag-list.ts";
import { formatted, OUTPUT_FLAG } from "./output.ts";
import { oneLine } from "./terminal-text.ts";

const LISTS = {
  "platform-groups": "PLATFORM_GROUPS",
  "platform-service-account-namespaces": "PLATFORM_SERVICE_ACCOUNT_NAMESPACES",
  "control-plane-user-prefixes": "CONTROL_PLANE_USER_PREFIXES",
  "controller-namespaces": "CONTROLLER_NAMESPACES",
} as const;

/** The same words as those of `catalyst operator`. */
const descriptionOf = (wanted: string): string =>
  OPERATOR_FLAGS.find(({ variable }) => variable === wanted)?.description ?? "";

const FLAGS = [
  ...Object.entries(LISTS).map(([name, variable]) => ({
    name,
    value: "LIST",
    description: descriptionOf(variable),
  })),
  {
    name: "release",
    value: "NAME",
    fallback: "catalyst-operator",
    description: "the name of the Helm release to install",
  },
  OUTPUT_FLAG,
  ...CLUSTER_FLAGS,
] as const satisfies readonly Flag[];

export const command: Command = {
  summary: "check a cluster before an install, and list what admission will refuse to its users",
  description: [
    "Checks before an install or an upgrade: the version of Kubernetes, names that are taken, your rights, the class that admission puts you in, the webhook's certificates, and databases. Each line says ok, problem or cannot tell, and what to do.",
    "Then lists what admission will refuse to the present users of the cluster. These are ServiceAccounts, users and groups that have wide rights and belong neither to the platform, to a listed controller nor to a Franchisee. They are also RoleBindings that let another user act as an account of the platform, a controller, a Franchise or an Organization. With enforcement Audit, the list has the reported requests too. Changes nothing.",
    "As json and yaml it is {checks, enforcement, outsiders, denials}.",
  ],
  flags: FLAGS,
  environment: [
    ...CLUSTER_ENVIRONMENT,
    [
      "DATABASE_URL",
      "a Sovereign's database (or DATABASE_URL_FILE): preflight connects to it from this machine. Absent: preflight shows only what the operator reports",
    ],
  ],
  examples: [
    ["catalyst preflight", "check the cluster before helm install"],
    [
      "catalyst preflight --controller-namespaces argocd -o json",
      "check it for a cluster in which Argo CD is a listed controller",
    ],
  ],
  exitCodes:
    "0 every check is ok; 1 a check found a problem or cannot tell, or admission will refuse a user; 2 wrong usage",
  async run({ args, env, stdout }) {
    const { values, settings } = parseFlags(args, env);
    const reader = createEnvReader(env);
    const databaseUrl = reader.optional("DATABASE_URL") === undefined ? undefined : reader.databaseUrl();
    const client = connectToCluster(env, "catalyst-preflight", values);
    try {
      const { release } = values;
      const found = await inspectCluster(client, { release, lists: settings, databaseUrl, now: new Date() });
      stdout.write(formatted(values.output, found, () => describe(found)));
      const isClean = found.checks.every(({ state }) => state === "ok");
      return isClean && found.outsiders.length + found.denials.length === 0 ? EXIT.done : EXIT.checkFailed;
    } finally {
      await client.close();
    }
  },
};

function parseFlags(args: string[], env: Env) {
  const { values } = parseCommandLine(FLAGS, args);
  const given = Object.entries(LISTS).map(([flag, variable]) => [
    variable,
    (values as Record<string, string | undefined>)[flag] ?? env[variable],
  ]);
  const reader = createEnvReader(Object.fromEntries(given));
  return { values, settings: readIdentityLists(reader) };
}

function describe({ checks, enforcement, outsiders, denials }: Preflight): string {
  const lines = [...describeChecks(checks), "", `enforcement: ${enforcement}`, ""];
  if (enforcement === "Unknown") return `${lines.slice(0, -1).map(oneLine).join("\n")}\n`;
  if (outsiders.length === 0) lines.push("No subject has rights that admission refuses to use.");
  else
    lines.push(
      "Subjects with rights that admission refuses to use, and with bindings by which they act as accounts of others:",
    );
  for (const { kind, namespace, name, rights } of outsiders) {
    lines.push(`  ${kind} ${[namespace, name].filter((part) => part !== undefined).join("/")}`);
    for (const { what, by } of rights) lines.push(`    ${what}, by ${by}`);
  }
  lines.push("");
  if (denials.length === 0) lines.push("Enforcement Audit has reported nothing.");
  else lines.push("Reported by enforcement Audit, the newest first:");
  for (const { user, identity, rule, count, lastAt, example } of denials) {
    const { operation, resource, namespace, name, path } = example;
    const object = [resource, namespace, name].filter((part) => part !== "").join(" ");
    lines.push(`  ${rule}: ${user} (${identity}), ${count} times, last at ${lastAt}`);
    lines.push(`    for example ${operation} ${object}: ${path}`);
  }
  if (outsiders.length + denials.length > 0)
    lines.push(
      "",
      "Name controllers in --controller-namespaces, the platform team in --platform-groups, and users of the cloud's control plane",
      "in --control-plane-user-prefixes. docs/denied.md says what the others can do instead.",
    );
  // Other people choose the names of subjects and users. A line break in a name must not look like another line of the report.
  return `${lines.map(oneLine).join("\n")}\n`;
}

const STATES = { ok: "ok", problem: "problem", unknown: "cannot tell" } as const;

/** A line for each check, with the remedy below it. */
function describeChecks(checks: readonly Check[]): string[] {
  return checks.flatMap(({ area, state, message, remedy }) => [
    `${STATES[state].padEnd(12)} ${area.padEnd(13)} ${message}`,
    ...(remedy === undefined ? [] : [`${" ".repeat(27)}${remedy}`]),
  ]);
}
