import { REVIEWS } from "./builtin/resource.ts";
import { apiVersionOf, type JsonObject } from "./object.ts";
import type { Registry } from "./registry.ts";
import type { ResourceType } from "./resource-type.ts";

export const GIT_VERSION = "v1.36.4";

const STATUS_VERBS = ["get", "patch", "update"];

interface DiscoveredResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  verbs: readonly string[];
  shortNames?: readonly string[];
  categories?: readonly string[];
  /** The group and version of a subresource's kind, where they differ. */
  group?: string;
  version?: string;
}

/** Subresources that no other type has. */
const EXTRA: Record<string, DiscoveredResource[]> = {
  namespaces: [
    {
      name: "namespaces/finalize",
      singularName: "",
      namespaced: false,
      kind: "Namespace",
      verbs: ["update"],
    },
  ],
  serviceaccounts: [
    {
      name: "serviceaccounts/token",
      singularName: "",
      namespaced: true,
      kind: "TokenRequest",
      verbs: ["create"],
      group: "authentication.k8s.io",
      version: "v1",
    },
  ],
};

const POD_LOG: DiscoveredResource = {
  name: "pods/log",
  singularName: "",
  namespaced: true,
  kind: "Pod",
  verbs: ["get"],
};

function resourcesOf(type: ResourceType): DiscoveredResource[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories, subresources } = type;
  const own: DiscoveredResource = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  };
  const sub = (name: string, of: string, from = {}): DiscoveredResource => ({
    name: `${plural}/${name}`,
    singularName: "",
    namespaced,
    kind: of,
    verbs: STATUS_VERBS,
    ...from,
  });
  return [
    own,
    ...(subresources.has("scale") ? [sub("scale", "Scale", { group: "autoscaling", version: "v1" })] : []),
    ...(subresources.has("status") ? [sub("status", kind)] : []),
    ...(type.group === "" ? (EXTRA[plural] ?? []) : []),
  ];
}

/** The discovery documents. Each request builds them from the resources that are served now. */
export function createDiscovery(registry: Registry, { servesPodLogs = false } = {}) {
  function groupVersionResources(group: string, version: string): DiscoveredResource[] {
    const reviews = REVIEWS.filter((review) => review.group === group && version === "v1").map(
      ({ plural, kind, namespaced }) => ({
        name: plural,
        singularName: kind.toLowerCase(),
        namespaced,
        kind,
        verbs: ["create"],
      }),
    );
    const types = registry.all().filter((type) => type.group === group && type.version === version);
    const logs = servesPodLogs && group === "" ? [POD_LOG] : [];
    return [...reviews, ...types.flatMap(resourcesOf), ...logs].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  function groupJson(group: string, versions: readonly string[]): JsonObject {
    const entries = versions.map((version) => ({ groupVersion: apiVersionOf(group, version), version }));
    return { name: group, versions: entries, preferredVersion: entries[0] };
  }

  const named = () => registry.groups().filter(({ group }) => group !== "");

  return {
    coreVersions: (): JsonObject => ({
      kind: "APIVersions",
      versions: ["v1"],
      serverAddressByClientCIDRs: [],
    }),

    groupList: (): JsonObject => ({
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: named().map(({ group, versions }) => groupJson(group, versions)),
    }),

    group(name: string): JsonObject | undefined {
      const found = named().find(({ group }) => group === name);
      return found && { kind: "APIGroup", apiVersion: "v1", ...groupJson(found.group, found.versions) };
    },

    resourceList(group: string, version: string): JsonObject | undefined {
      const resources = groupVersionResources(group, version);
      if (resources.length === 0) return undefined;
      return {
        kind: "APIResourceList",
        apiVersion: "v1",
        groupVersion: apiVersionOf(group, version),
        resources,
      };
    },

    /** `apidiscovery.k8s.io/v2` of `/api` (the core group) or of `/apis` (all others). */
    aggregated(core: boolean): JsonObject {
      const groups = registry.groups().filter(({ group }) => (group === "") === core);
      return {
        kind: "APIGroupDiscoveryList",
        apiVersion: "apidiscovery.k8s.io/v2",
        metadata: {},
        items: groups.map(({ group, versions }) => ({
          metadata: { name: group, creationTimestamp: null },
          versions: versions.map((version) => ({
            version,
            resources: aggregate(groupVersionResources(group, version), group, version),
            freshness: "Current",
          })),
        })),
      };
    },

    version: (): JsonObject => ({
      major: "1",
      minor: "36",
      emulationMajor: "1",
      emulationMinor: "36",
      minCompatibilityMajor: "1",
      minCompatibilityMinor: "35",
      gitVersion: GIT_VERSION,
      gitCommit: "",
      gitTreeState: "clean",
      buildDate: "1970-01-01T00:00:00Z",
      goVersion: "",
      compiler: "kube-apiserver-lite",
      platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
    }),
  };
}

function aggregate(resources: readonly DiscoveredResource[], group: string, version: string): JsonObject[] {
  const kindOf = (resource: DiscoveredResource) => ({
    group: resource.group ?? group,
    version: resource.version ?? version,
    kind: resource.kind,
  });
  return resources
    .filter(({ name }) => !name.includes("/"))
    .map((resource) => ({
      resource: resource.name,
      responseKind: kindOf(resource),
      scope: resource.namespaced ? "Namespaced" : "Cluster",
      singularResource: resource.singularName,
      verbs: resource.verbs,
      ...(resource.shortNames === undefined ? {} : { shortNames: resource.shortNames }),
      ...(resource.categories === undefined ? {} : { categories: resource.categories }),
      subresources: resources
        .filter(({ name }) => name.startsWith(`${resource.name}/`))
        .map((sub) => ({
          subresource: sub.name.slice(resource.name.length + 1),
          responseKind: kindOf(sub),
          verbs: sub.verbs,
        })),
    }));
}
