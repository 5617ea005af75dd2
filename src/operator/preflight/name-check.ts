import { GROUP, type KindDefinition } from "../../api/kind.ts";
import { KINDS } from "../../api/kind-list.ts";
import {
  CATALOG_NAMESPACE,
  OPERATOR_CLUSTER_ROLE,
  PRIVATE_CATALOG_NAMESPACE,
  SYSTEM_NAMESPACE,
  TRUST_CONFIG_MAP,
  WEBHOOK_CONFIGURATION,
} from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import {
  CLUSTER_ROLES,
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  DEPLOYMENTS,
  NAMESPACES,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../kube/resource.ts";
import { OPERATOR } from "../workload.ts";
import type { Check } from "./check.ts";
import { definitionDigest } from "./definition-text.ts";

const area = "names";
/** The annotation that Helm sets on the objects of a release. */
const RELEASE = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE = "meta.helm.sh/release-namespace";
/** The annotation that the chart sets on its CustomResourceDefinitions: their digest. */
const DEFINITION = "catalyst.openova.io/definition";

const ownerOf = (object: KubernetesObject | undefined): string | undefined =>
  object?.metadata.annotations?.[RELEASE];

/** Checks whether the names that the chart and the operator use are free or belong to this release. */
export async function checkNames(client: Pick<KubeClient, "get">, release: string): Promise<Check[]> {
  const get = (resource: typeof NAMESPACES, name: string) => client.get<KubernetesObject>(resource, { name });
  const [deployment, role, configuration, trust] = await Promise.all([
    client.get<KubernetesObject>(DEPLOYMENTS, OPERATOR),
    get(CLUSTER_ROLES, OPERATOR_CLUSTER_ROLE),
    get(VALIDATING_WEBHOOK_CONFIGURATIONS, WEBHOOK_CONFIGURATION),
    client.get<KubernetesObject>(CONFIG_MAPS, { name: TRUST_CONFIG_MAP, namespace: SYSTEM_NAMESPACE }),
  ]);
  const definitions = await Promise.all(
    KINDS.map(async (kind) => {
      const definition = await get(CUSTOM_RESOURCE_DEFINITIONS, `${kind.plural}.${GROUP}`);
      return definitionChecks(kind, definition, release);
    }),
  );
  const namespaces = await Promise.all(
    [CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE].map((name) => get(NAMESPACES, name)),
  );
  const found = [
    ...operatorChecks(deployment, release),
    ...roleChecks(role, release),
    ...(deployment === undefined && configuration !== undefined ? [leftover()] : []),
    ...definitions.flat(),
    ...deletionChecks(await get(NAMESPACES, SYSTEM_NAMESPACE)),
    ...namespaces.flatMap((namespace) => namespaceChecks(namespace, release)),
    ...trustChecks(trust, release),
  ];
  return found.length === 0 ? [{ area, state: "ok", message: "no name is taken" }] : found;
}

function operatorChecks(deployment: KubernetesObject | undefined, release: string): Check[] {
  if (deployment === undefined) return [];
  const owner = ownerOf(deployment);
  if (owner === release)
    return [{ area, state: "ok", message: `release ${release} is installed: this is an upgrade` }];
  const by = owner === undefined ? "something that is no Helm release" : `release ${owner}`;
  return [
    {
      ...{ area, state: "problem", message: `the operator is installed already, by ${by}` },
      remedy:
        owner === undefined
          ? "remove it with catalyst uninstall, or change it as it was installed: a cluster has one operator"
          : `change that release: helm upgrade ${owner} … --namespace ${SYSTEM_NAMESPACE}, or name it with --release`,
    },
  ];
}

function roleChecks(role: KubernetesObject | undefined, release: string): Check[] {
  const owner = ownerOf(role);
  if (role === undefined || owner === release) return [];
  return [
    {
      ...{
        area,
        state: "problem",
        message: `ClusterRole ${role.metadata.name} exists and is not of release ${release}`,
      },
      remedy: `helm refuses to replace it: remove ${owner === undefined ? "it" : `release ${owner}`} first`,
    },
  ];
}

const leftover = (): Check => ({
  ...{ area, state: "problem" },
  message: `ValidatingWebhookConfiguration ${WEBHOOK_CONFIGURATION} is left of an installation that is gone: it refuses requests`,
  remedy: "remove it with catalyst uninstall",
});

/** An installation would write into what is being deleted, and lose it at the end of the deletion. */
function deletionChecks(object: KubernetesObject | undefined): Check[] {
  if (object?.metadata.deletionTimestamp === undefined) return [];
  const { name, deletionTimestamp } = object.metadata;
  return [
    {
      ...{ area, state: "problem" },
      message: `${object.kind} ${name} is being deleted, since ${deletionTimestamp}`,
      remedy:
        object.kind === "Namespace"
          ? `wait until it is gone; what holds it up is in its conditions: kubectl get namespace ${name} -o yaml`
          : "wait until it is gone; catalyst uninstall says what holds it up",
    },
  ];
}

/** The chart uses the CustomResourceDefinitions of another release while they equal its own. Otherwise it refuses to install. */
function definitionChecks(
  kind: KindDefinition,
  definition: KubernetesObject | undefined,
  release: string,
): Check[] {
  const owner = ownerOf(definition);
  const deletion = deletionChecks(definition);
  if (definition === undefined || deletion.length > 0 || owner === release) return deletion;
  const { name, annotations } = definition.metadata;
  const message = `CustomResourceDefinition ${name} exists, of ${owner === undefined ? "no release" : `release ${owner}`}`;
  if (annotations?.[DEFINITION] === definitionDigest(kind))
    return [{ area, state: "ok", message: `${message}, and is the same as that of this version` }];
  const object = `--overwrite crd ${name}`;
  return [
    {
      ...{ area, state: "problem", message: `${message}, and may differ from that of this version` },
      remedy: `hand it over, its objects stay: kubectl annotate ${object} ${RELEASE}=${release} ${RELEASE_NAMESPACE}=${SYSTEM_NAMESPACE} && kubectl label ${object} app.kubernetes.io/managed-by=Helm`,
    },
  ];
}

function namespaceChecks(namespace: KubernetesObject | undefined, release: string): Check[] {
  const deletion = deletionChecks(namespace);
  if (namespace === undefined || deletion.length > 0 || ownerOf(namespace) === release) return deletion;
  return [
    { area, state: "ok", message: `namespace ${namespace.metadata.name} exists, and is used as it is` },
  ];
}

function trustChecks(trust: KubernetesObject | undefined, release: string): Check[] {
  if (trust === undefined || ownerOf(trust) === release) return [];
  const message = `ConfigMap ${TRUST_CONFIG_MAP} exists, and is used as it is while the chart's value trust is empty`;
  return [{ area, state: "ok", message }];
}
