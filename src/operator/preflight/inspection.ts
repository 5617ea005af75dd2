import { type DenialRow, parseRows } from "../../admission/denial-report.ts";
import {
  type BindingObject,
  type ClusterRights,
  findOutsiders,
  type Outsider,
} from "../../admission/preflight.ts";
import { subjectsOf } from "../../admission/rules/account.ts";
import type { RoleObject } from "../../admission/rules/rbac-grant.ts";
import { FRANCHISE, type Franchise } from "../../api/franchise.ts";
import { ADMISSION_REPORT, SYSTEM_NAMESPACE, WEBHOOK_CONFIGURATION } from "../../api/name.ts";
import type { ConfigMapObject, KubernetesObject } from "../../api/object.ts";
import { ORGANIZATION, type Organization } from "../../api/organization.ts";
import { isInTerm } from "../../api/term.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isForbidden } from "../../kube/error.ts";
import { listIfServed } from "../../kube/optional-kind.ts";
import { requireReachable } from "../../kube/reachability.ts";
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
} from "../../kube/resource.ts";
import { errorMessage } from "../../platform/errors.ts";
import { checkCertificates } from "./certificate-check.ts";
import { type Check, checksOf } from "./check.ts";
import { checkDatabase, checkSovereigns } from "./database-check.ts";
import { checkIdentity } from "./identity-check.ts";
import { checkNames } from "./name-check.ts";
import { checkRights } from "./right-check.ts";
import { checkKubernetes } from "./version-check.ts";

export interface Preflight {
  checks: readonly Check[];
  /** NotInstalled: the cluster has no webhook configuration of the operator. */
  enforcement: "Deny" | "Audit" | "NotInstalled" | "Unknown";
  outsiders: Outsider[];
  denials: DenialRow[];
}

interface Inspection {
  /** The Helm release that is to be installed. */
  release: string;
  lists: ClusterRights["lists"];
  /** The URL of a Sovereign's database, to be checked from this machine. Undefined: no check. */
  databaseUrl: string | undefined;
  now: Date;
}

/**
 * Checks a cluster before an install or an upgrade, and finds the users whose requests admission will refuse. Changes
 * nothing. When the rights of users cannot be read, a check with the state `unknown` says so. Throws when the API server
 * does not answer.
 */
export async function inspectCluster(client: KubeClient, inspection: Inspection): Promise<Preflight> {
  await requireReachable(client);
  const checks = await lookAround(client, inspection);
  try {
    return { checks, ...(await inspectUsers(client, inspection)) };
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const unread: Check = {
      ...{ area: "identity", state: "unknown" },
      message: `who has rights that admission refuses to use: ${errorMessage(error)}`,
      remedy: "run it again as a user who may read roles, bindings and namespaces of the whole cluster",
    };
    return { checks: [...checks, unread], enforcement: "Unknown", outsiders: [], denials: [] };
  }
}

async function lookAround(
  client: KubeClient,
  { release, lists, databaseUrl, now }: Inspection,
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

async function inspectUsers(
  client: KubeClient,
  { lists, now }: Inspection,
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
