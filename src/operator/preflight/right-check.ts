import { SYSTEM_NAMESPACE } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  DEPLOYMENTS,
  NAMESPACES,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
  type Resource,
  ROLE_BINDINGS,
  ROLES,
  SECRETS,
  SELF_SUBJECT_ACCESS_REVIEWS,
  SERVICE_ACCOUNTS,
  SERVICES,
  VALIDATING_ADMISSION_POLICIES,
  VALIDATING_ADMISSION_POLICY_BINDINGS,
} from "../../kube/resource.ts";
import type { Check } from "./check.ts";

/**
 * The kinds that the chart contains, and Secrets, in which Helm keeps a release. A test compares them with the rendered
 * chart.
 */
export const INSTALLED: readonly Resource[] = [
  NAMESPACES,
  CUSTOM_RESOURCE_DEFINITIONS,
  CLUSTER_ROLES,
  CLUSTER_ROLE_BINDINGS,
  VALIDATING_ADMISSION_POLICIES,
  VALIDATING_ADMISSION_POLICY_BINDINGS,
  ROLES,
  ROLE_BINDINGS,
  DEPLOYMENTS,
  SERVICES,
  SERVICE_ACCOUNTS,
  CONFIG_MAPS,
  SECRETS,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
];
const VERBS = ["get", "create", "patch", "delete"];
/**
 * Helm lists the Secrets to find its releases, and updates the Secret of the release that it works on. The chart's roles
 * give rights that the person need not have. Writing them needs `escalate` and `bind`.
 */
const FURTHER: readonly (readonly [Resource, string])[] = [
  [SECRETS, "list"],
  [SECRETS, "update"],
  [CLUSTER_ROLES, "escalate"],
  [CLUSTER_ROLES, "bind"],
  [ROLES, "escalate"],
  [ROLES, "bind"],
];

interface Right {
  resource: Resource;
  verb: string;
}

/** Checks whether the person may install, upgrade and remove the chart. */
export async function checkRights(client: Pick<KubeClient, "create">): Promise<Check[]> {
  const wanted: Right[] = [
    ...INSTALLED.flatMap((resource) => VERBS.map((verb) => ({ resource, verb }))),
    ...FURTHER.map(([resource, verb]) => ({ resource, verb })),
  ];
  const allowed = await Promise.all(wanted.map((right) => isAllowed(client, right)));
  const missing = wanted.filter((_, index) => !allowed[index]);
  const area = "rights";
  if (missing.length === 0)
    return [{ area, state: "ok", message: "you may install, upgrade and remove the chart" }];
  return [
    {
      ...{ area, state: "problem", message: `you may not ${describeMissing(missing)}` },
      remedy:
        "install as a user who may, for example a member of a group that is bound to ClusterRole cluster-admin",
    },
  ];
}

async function isAllowed(client: Pick<KubeClient, "create">, { resource, verb }: Right): Promise<boolean> {
  const { group, plural, namespaced } = resource;
  const review = await client.create<KubernetesObject & { spec: object; status?: { allowed: boolean } }>(
    SELF_SUBJECT_ACCESS_REVIEWS,
    {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      metadata: { name: "" },
      spec: {
        resourceAttributes: {
          ...{ group, verb, resource: plural },
          ...(namespaced ? { namespace: SYSTEM_NAMESPACE } : {}),
        },
      },
    },
  );
  return review.status?.allowed === true;
}

/** `create, patch deployments, services; bind roles` */
function describeMissing(missing: readonly Right[]): string {
  const resources = [...Map.groupBy(missing, ({ resource }) => resource.plural)].map(([plural, rights]) => ({
    plural,
    verbs: rights.map(({ verb }) => verb).join(", "),
  }));
  return [...Map.groupBy(resources, ({ verbs }) => verbs)]
    .map(([verbs, those]) => `${verbs} ${those.map(({ plural }) => plural).join(", ")}`)
    .join("; ");
}
