import { type Attempt, apply, cluster, core, group, mergePatch, on, post, put, remove } from "./attempt.ts";
import { configMap, LABEL_PREFIX, pod } from "./object.ts";

const platformLabel = (label: string) => ({ metadata: { labels: { [`${LABEL_PREFIX}/${label}`]: "acme" } } });
const MANAGED = core("acme-prod", "configmaps/managed");

export const MANAGED_OBJECT_ATTEMPTS: readonly Attempt[] = [
  on(
    "changes a managed object",
    "amal",
    mergePatch(MANAGED, { data: { colour: "black" } }),
    "managed-object",
  ),
  on(
    "replaces a managed object",
    "amal",
    put(
      MANAGED,
      configMap("managed", { metadata: { labels: { [`${LABEL_PREFIX}/managed-by`]: "operator" } } }),
    ),
    "managed-object",
  ),
  on("deletes a managed object", "amal", remove(MANAGED), "managed-object"),
  on(
    "raises the quota of its Organization",
    "amal",
    mergePatch(core("org-acme", "resourcequotas/organization"), { spec: { hard: { pods: "900" } } }),
    "managed-object",
  ),
  on(
    "removes the network policy of its Organization",
    "amal",
    remove(group("networking.k8s.io/v1", "org-acme", "networkpolicies/organization")),
    "managed-object",
  ),
  on(
    "removes the role of its Franchise",
    "omantel",
    remove(cluster("rbac.authorization.k8s.io/v1", "clusterroles/catalyst-franchisee-omantel")),
    "cluster-scope",
  ),
  on(
    "removes the rights of its Franchise in its Sovereign's namespace",
    "omantel",
    remove(
      group("rbac.authorization.k8s.io/v1", "sovereign-omantel", "rolebindings/catalyst-franchisee-omantel"),
    ),
    "sovereign-namespace",
  ),
  on(
    "deletes a collection with a managed object",
    "amal",
    remove(`${core("acme-prod", "configmaps")}?labelSelector=${LABEL_PREFIX}%2Fmanaged-by%3Doperator`),
    "managed-object",
  ),
  on(
    "becomes co-owner of a managed object",
    "amal",
    apply(MANAGED, configMap("managed", { data: { colour: "red" } })),
    "managed-object",
  ),
  on(
    "gives a managed object an owner",
    "amal",
    mergePatch(MANAGED, {
      metadata: { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "settings", uid: "0" }] },
    }),
    "managed-object",
  ),
  ...["organization", "environment", "sovereign", "managed-by"].flatMap((label) => [
    on(
      `writes the label ${label} in its environment`,
      "amal",
      mergePatch(core("acme-prod", "configmaps/settings"), platformLabel(label)),
      "platform-label",
    ),
    on(
      `writes the label ${label} on a Pod in an ordinary namespace`,
      "stranger",
      post(core("shop", "pods"), {
        ...pod("labelled"),
        metadata: { name: "labelled", ...platformLabel(label).metadata },
      }),
      "platform-label",
    ),
  ]),
];
