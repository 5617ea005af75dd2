import type { SecondAddress } from "../admission/address-fact.ts";
import type { ClusterLookups } from "../admission/fact-collector.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { CLUSTER_ROLES, NAMESPACES, OCI_REPOSITORIES, PODS, ROLES, SERVICES } from "../kube/resource.ts";
import type { OperatorCaches } from "./cache.ts";

/** What admission asks the caches, and the API server for objects that no cache holds. */
export function createClusterLookups(client: KubeClient, caches: OperatorCaches): ClusterLookups {
  const labelsOf = (namespace: KubernetesObject | undefined) =>
    namespace === undefined ? undefined : { ...namespace.metadata.labels };
  return {
    franchises: () => caches.franchises.list(),
    organization: (name) => caches.organizations.get(name),
    organizationsBy: (index, key) => caches.organizations.byIndex(index, key),
    sovereigns: () => caches.sovereigns.list(),
    blueprints: () => caches.blueprints.list(),
    namespaceLabels: (name) => labelsOf(caches.namespaces.get(name)),
    readOciRepository: async (key) => {
      for (const resource of OCI_REPOSITORIES) {
        const found = await client.get<KubernetesObject>(resource, key);
        if (found !== undefined) return { ...found };
      }
      return undefined;
    },
    readNamespaceLabels: async (name) => labelsOf(await client.get<KubernetesObject>(NAMESPACES, { name })),
    readPod: (namespace, name) =>
      client.get<KubernetesObject & { spec?: unknown }>(PODS, { namespace, name }),
    readRole: (namespace, name) => client.get(ROLES, { namespace, name }),
    readClusterRole: (name) => client.get(CLUSTER_ROLES, { name }),
    readClusterRoles: async () => (await client.list(CLUSTER_ROLES)).items,
    readServices: async () => (await client.list<KubernetesObject>(SERVICES)).items,
    readPodsAt: async (address) =>
      (
        await client.list<KubernetesObject>(PODS, {
          fieldSelector: `status.podIP=${address}`,
          metadataOnly: true,
        })
      ).items,
    readSecondAddresses: async () => {
      const found: SecondAddress[] = [];
      await client.listPages<KubernetesObject & { status?: { podIPs?: { ip: string }[] } }>(
        PODS,
        {},
        (pods) => {
          for (const { metadata, status } of pods)
            for (const { ip } of status?.podIPs?.slice(1) ?? [])
              found.push({ address: ip, namespace: metadata.namespace ?? "" });
        },
      );
      return found;
    },
  };
}
