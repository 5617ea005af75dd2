import { type Attempt, cluster, core, group, mergePatch, on, post, put } from "./attempt.ts";
import { blueprint, configMap, deployment, LABEL_PREFIX, role } from "./object.ts";

const PRODUCT = `${LABEL_PREFIX}/v1alpha1`;
const RBAC = "rbac.authorization.k8s.io/v1";
const SOVEREIGNS = cluster(PRODUCT, "sovereigns");
const branding = { spec: { branding: { displayName: "Mine" } } };

/** Users of two classes: a Franchisee who is a member, and one whose account is a controller's. */
export const CLASS_ATTEMPTS: readonly Attempt[] = [
  on(
    "changes another Franchise's Sovereign",
    "omantelMember",
    mergePatch(`${SOVEREIGNS}/ooredoo`, branding),
    "sovereign-field",
  ),
  on(
    "works in another Organization of its Sovereign",
    "omantelMember",
    post(core("globex-prod", "configmaps"), configMap("mine")),
    "organization-namespace",
  ),
  on(
    "runs an image that its own Franchise signed, in an environment where it is a member",
    "omantelMember",
    post(group("apps/v1", "acme-prod", "deployments"), deployment("mine", "registry.test/x:latest")),
    "image-digest",
  ),
  on(
    "changes a Sovereign as a controller whom a Franchise lists",
    "listedController",
    mergePatch(`${SOVEREIGNS}/omantel`, branding),
    "sovereign-field",
  ),
  on(
    "keeps a Blueprint as a controller whom a Franchise lists",
    "listedController",
    post(group(PRODUCT, "catalog-sovereign", "blueprints"), blueprint("controllers")),
    "blueprint-owner",
  ),
  on(
    "writes in kube-system as a Franchisee in a group that is named like a node's",
    "lookalikeNode",
    put(core("kube-system", "configmaps/settings"), configMap("settings")),
    "platform-namespace",
  ),
  ...(
    [
      ["extra fields of users", ["authentication.k8s.io"], ["userextras/scopes"]],
      ["every extra field of users", ["authentication.k8s.io"], ["userextras/*"]],
      ["uids", ["authentication.k8s.io"], ["uids"]],
      ["groups", [""], ["groups"]],
    ] as const
  ).map(([what, apiGroups, resources]) =>
    on(
      `creates a Role for impersonation of ${what}`,
      "stranger",
      post(
        group(RBAC, "shop", "roles"),
        role("mine", { apiGroups: [...apiGroups], resources: [...resources], verbs: ["impersonate"] }),
      ),
      "rbac-escalation",
    ),
  ),
];

export const ALLOWED_CLASS: readonly Attempt[] = [
  on(
    "sets the branding of its Sovereign as a member of an Organization",
    "omantelMember",
    mergePatch(`${SOVEREIGNS}/omantel`, { spec: { branding: { displayName: "Omantel 2" } } }),
    "allowed",
  ),
  on(
    "works in its Organization as a Franchisee",
    "omantelMember",
    post(core("acme-prod", "configmaps"), configMap("franchisees")),
    "allowed",
  ),
  on(
    "works in kube-system as a tenant in a group of the platform",
    "platformTenant",
    post(core("kube-system", "configmaps"), configMap("tenants")),
    "allowed",
  ),
];
