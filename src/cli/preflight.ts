import { type DenialRow, parseRows } from "../admission/denial-report.ts";
import {
  type BindingObject,
  type ClusterRights,
  findOutsiders,
  type Outsider,
} from "../admission/preflight.ts";
import { subjectsOf } from "../admission/rules/account.ts";
import { identityLists } from "../admission/rules/identity.ts";
import type { RoleObject } from "../admission/rules/rbac-grant.ts";
import { FRANCHISE, type Franchise } from "../api/franchise.ts";
import { ADMISSION_REPORT, SYSTEM_NAMESPACE, WEBHOOK_CONFIGURATION } from "../api/name.ts";
import type { ConfigMapObject, KubernetesObject } from "../api/object.ts";
import { ORGANIZATION, type Organization } from "../api/organization.ts";
import { isInTerm } from "../api/term.ts";
import type { KubeClient } from "../kube/client.ts";
import { isForbidden } from "../kube/error.ts";
import { listIfServed } from "../kube/optional-kind.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  NAMESPACES,
  type Resource,
  ROLE_BINDINGS,
  ROLES,
  resourceOf,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../kube/resource.ts";
import { createEnvReader, type Env } from "../platform/env.ts";
import { errorMessage } from "../platform/errors.ts";
import { type Command, EXIT } from "./command.ts";
import { type Flag, parseCommandLine } from "./flag.ts";
import { CLUSTER_ENVIRONMENT, CLUSTER_FLAGS, connectToCluster } from "./kubeconfig.ts";
import { formatted, OUTPUT_FLAG } from "./output.ts";
import { checkCertificates } from "./preflight/certificate-check.ts";
import { type Check, checksOf, describeChecks } from "./preflight/check.ts";
import { checkDatabase, checkSovereigns } from "./preflight/database-check.ts";
import { checkIdentity } from "./preflight/identity-check.ts";
import { checkNames } from "./preflight/name-check.ts";
import { checkRights } from "./preflight/right-check.ts";
import { checkKubernetes } from "./preflight/version-check.ts";
import { oneLine } from "./terminal-text.ts";

const LISTS = {
  "platform-groups": "PLATFORM_GROUPS",
  "platform-service-account-namespaces": "PLATFORM_SERVICE_ACCOUNT_NAMESPACES",
  "controller-namespaces": "CONTROLLER_NAMESPACES",
} as const;

const FLAGS = [
  ...Object.entries(LISTS).map(([name, variable]) => ({
    name,
    value: "LIST",
    description: `as for catalyst operator: ${variable}`,
  })),
  {
    name: "release",
    value: "NAME",
    fallback: "catalyst-operator",
    description: "the Helm release that is to be installed",
  },
  OUTPUT_FLAG,
  ...CLUSTER_FLAGS,
] as const satisfies readonly Flag[];

interface Preflight {
  checks: readonly Check[];
  /** NotInstalled: the cluster has no webhook configuration of the operator. */
  enforcement: "Deny" | "Audit" | "NotInstalled" | "Unknown";
  outsiders: Outsider[];
  denials: DenialRow[];
}

export const command: Command = {
  summary: "check a cluster before an install, and list what admission will refuse to its users",
  description: [
    "Checks before an install or an upgrade: the version of Kubernetes, names that are taken, your rights and your class, the webhook's certificates, and databases. Each line says ok, problem or cannot tell, and what to do.",
    "Then lists what admission will refuse to those who use this cluster today: ServiceAccounts, users and groups with wide rights that are neither the platform's, a listed controller's nor a Franchisee's, RoleBindings by which anyone else acts as an account of the platform, a controller, a Franchise or an Organization, and what enforcement Audit has reported. Changes nothing.",
    "As json and yaml it is {checks, enforcement, outsiders, denials}.",
  ],
  flags: FLAGS,
  environment: [
    ...CLUSTER_ENVIRONMENT,
    [
      "DATABASE_URL",
      "a Sovereign's database (or DATABASE_URL_FILE): preflight connects to it from here. Absent: it shows only what the operator reports",
    ],
  ],
  exitCodes:
    "0 all is ok; 1 a problem, something that it cannot tell, or something that admission will refuse; 2 wrong usage",
  async run({ args, env, stdout }) {
    const { values, settings } = parseFlags(args, env);
    const reader = createEnvReader(env);
    const databaseUrl = reader.optional("DATABASE_URL") === undefined ? undefined : reader.databaseUrl();
    const client = connectToCluster(env, "catalyst-preflight", values);
    try {
      const now = new Date();
      const checks = await lookAround(client, { ...values, lists: settings, databaseUrl, now });
      const found = await inspect(client, settings, now, checks);
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
  const settings = identityLists({
    platformGroups: reader.list("PLATFORM_GROUPS"),
    platformNamespaces: reader.list("PLATFORM_SERVICE_ACCOUNT_NAMESPACES"),
    controllerNamespaces: reader.list("CONTROLLER_NAMESPACES"),
  });
  return { values, settings };
}

async function lookAround(
  client: KubeClient,
  {
    release,
    lists,
    databaseUrl,
    now,
  }: { release: string; lists: ClusterRights["lists"]; databaseUrl: string | undefined; now: Date },
): Promise<Check[]> {
  const areas = await Promise.all([
    checksOf("versions", () => checkKubernetes(client)),
    checksOf("names", () => checkNames(client, release)),
    checksOf("rights", () => checkRights(client)),
    checksOf("identity", () => checkIdentity(client, lists)),
    checksOf("certificates", () => checkCertificates(client, now)),
    checksOf("databases", () => checkSovereigns(client)),
    databaseUrl === undefined ? [] : checkDatabase(databaseUrl),
  ]);
  return areas.flat();
}

/** Adds the users to the checks. What cannot be read becomes a check that cannot tell. */
async function inspect(
  client: KubeClient,
  lists: ClusterRights["lists"],
  now: Date,
  checks: readonly Check[],
): Promise<Preflight> {
  try {
    return { checks, ...(await inspectUsers(client, lists, now)) };
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const unread: Check = {
      ...{ area: "identity", state: "unknown" },
      message: `who has rights that admission refuses to use: ${errorMessage(error)}`,
      remedy: "run it again as someone who may read roles, bindings and namespaces of the whole cluster",
    };
    return { checks: [...checks, unread], enforcement: "Unknown", outsiders: [], denials: [] };
  }
}

async function inspectUsers(
  client: KubeClient,
  lists: ClusterRights["lists"],
  now: Date,
): Promise<Omit<Preflight, "checks">> {
  const list = async <T>(resource: Resource) =>
    (await client.list<KubernetesObject>(resource)).items as unknown as T[];
  const [
    roles,
    clusterRoles,
    roleBindings,
    clusterRoleBindings,
    namespaces,
    franchises = [],
    organizations = [],
  ] = await Promise.all([
    list<ClusterRights["roles"][number]>(ROLES),
    list<RoleObject>(CLUSTER_ROLES),
    list<BindingObject>(ROLE_BINDINGS),
    list<BindingObject>(CLUSTER_ROLE_BINDINGS),
    list<KubernetesObject>(NAMESPACES),
    // Before the operator is installed, the cluster does not serve its kinds.
    listIfServed<Franchise>(client, resourceOf(FRANCHISE)),
    listIfServed<Organization>(client, resourceOf(ORGANIZATION)),
  ]);
  const configuration = await client.get<KubernetesObject>(VALIDATING_WEBHOOK_CONFIGURATIONS, {
    name: WEBHOOK_CONFIGURATION,
  });
  const report = await client.get<ConfigMapObject>(CONFIG_MAPS, {
    name: ADMISSION_REPORT.configMap,
    namespace: SYSTEM_NAMESPACE,
  });
  return {
    enforcement: enforcementOf(configuration),
    outsiders: findOutsiders({
      ...{ roles, clusterRoles, lists },
      bindings: [...clusterRoleBindings, ...roleBindings],
      namespaces: new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}])),
      franchises: franchises.filter((franchise) => isInTerm(franchise, now.getTime())),
      parties: [...franchises.map(({ spec }) => spec.subjects), ...organizations.map(subjectsOf)],
    }),
    denials: parseRows(report?.data?.[ADMISSION_REPORT.key] ?? ""),
  };
}

function enforcementOf(configuration: KubernetesObject | undefined): Preflight["enforcement"] {
  if (configuration === undefined) return "NotInstalled";
  const { webhooks = [] } = configuration as { webhooks?: { failurePolicy?: string }[] };
  return webhooks.some(({ failurePolicy }) => failurePolicy === "Fail") ? "Deny" : "Audit";
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
      "Name controllers in --controller-namespaces and the platform team in --platform-groups. docs/denied.md says what the",
      "others can do instead.",
    );
  // Subjects and users have names that others choose: none of these may look like a line of its own.
  return `${lines.map(oneLine).join("\n")}\n`;
}
