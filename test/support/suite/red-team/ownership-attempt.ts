import {
  type Attempt,
  apply,
  cluster,
  core,
  group,
  mergePatch,
  on,
  onReal,
  post,
  put,
  remove,
} from "./attempt.ts";
import {
  blueprint,
  configMap,
  deployment,
  LABEL_PREFIX,
  named,
  ociRepository,
  pod,
  referenceOf,
  UNSIGNED_ARTIFACT,
} from "./object.ts";

const PRODUCT = `${LABEL_PREFIX}/v1alpha1`;
const BLUEPRINTS = group(PRODUCT, "catalog-sovereign", "blueprints");
const SOVEREIGN = cluster(PRODUCT, "sovereigns/omantel");

const BLUEPRINT_ATTEMPTS: readonly Attempt[] = [
  on("creates a Blueprint", "amal", post(BLUEPRINTS, blueprint("mine")), "blueprint-owner"),
  on("creates a Blueprint after its term", "expired", post(BLUEPRINTS, blueprint("mine")), "blueprint-owner"),
  on(
    "creates a Blueprint for another Franchise",
    "ooredoo",
    post(BLUEPRINTS, blueprint("mine")),
    "blueprint-franchise",
  ),
  on(
    "creates a Blueprint for no Franchise",
    "omantel",
    post(BLUEPRINTS, blueprint("mine", { franchise: undefined })),
    "blueprint-franchise",
  ),
  on(
    "creates one Blueprint more than granted",
    "ooredoo",
    post(BLUEPRINTS, blueprint("second", { franchise: "ooredoo" })),
    "blueprint-grant",
  ),
  on(
    "creates a listed Blueprint",
    "omantel",
    post(BLUEPRINTS, blueprint("mine", { visibility: "listed", franchise: undefined })),
    ["blueprint-franchise", "blueprint-visibility"],
  ),
  on(
    "creates a Blueprint in an ordinary namespace",
    "omantel",
    post(group(PRODUCT, "shop", "blueprints"), blueprint("mine")),
    "blueprint-namespace",
  ),
  on(
    "creates an unsigned Blueprint",
    "omantel",
    post(BLUEPRINTS, blueprint("mine", { source: { ref: `oci://${referenceOf(UNSIGNED_ARTIFACT)}` } })),
    "blueprint-signature",
  ),
  on(
    "exchanges the artifact of its Blueprint for an unsigned one",
    "omantel",
    mergePatch(`${BLUEPRINTS}/omantel-shop`, {
      spec: { source: { ref: `oci://${referenceOf(UNSIGNED_ARTIFACT)}` } },
    }),
    "blueprint-signature",
  ),
  on(
    "changes a Blueprint of another Franchise",
    "omantel",
    mergePatch(`${BLUEPRINTS}/ooredoo-shop`, { metadata: { labels: { mine: "yes" } } }),
    "blueprint-owner",
  ),
  on(
    "deletes a Blueprint of another Franchise",
    "omantel",
    remove(`${BLUEPRINTS}/ooredoo-shop`),
    "blueprint-owner",
  ),
  on(
    "says itself that its Blueprint is verified",
    "omantel",
    mergePatch(`${BLUEPRINTS}/omantel-shop/status`, { status: { verifiedDigest: UNSIGNED_ARTIFACT.digest } }),
    "blueprint-status",
  ),
];

const HUB_FIELDS: readonly [string, object][] = [
  ["its Franchise", { spec: { franchise: "ooredoo" } }],
  ["its billing release", { spec: { billing: { release: "mine" } } }],
  ["its parent", { spec: { parent: "ooredoo" } }],
  ["whether it is suspended", { spec: { suspend: true } }],
  ["its labels", { metadata: { labels: { mine: "yes" } } }],
  [
    "what kubectl last applied",
    {
      metadata: {
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": '{"spec":{"fqdn":"x"}}' },
      },
    },
  ],
  ["its finalizers", { metadata: { finalizers: ["example.org/mine"] } }],
  [
    "its owners",
    { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Namespace", name: "gone", uid: "0" }] } },
  ],
];

const SOVEREIGN_ATTEMPTS: readonly Attempt[] = [
  ...HUB_FIELDS.map(([title, change]) =>
    on(`changes ${title} on its Sovereign`, "omantel", mergePatch(SOVEREIGN, change), "sovereign-field"),
  ),
  on(
    "becomes co-owner of a field of the hub by server-side apply",
    "omantel",
    apply(SOVEREIGN, named(PRODUCT, "Sovereign", "omantel", { spec: { fqdn: "omantel.test" } })),
    "sovereign-field",
  ),
  on(
    "becomes co-owner of a field of the hub beside its own by server-side apply",
    "omantel",
    apply(
      SOVEREIGN,
      named(PRODUCT, "Sovereign", "omantel", {
        spec: { fqdn: "omantel.test", branding: { displayName: "Omantel" } },
      }),
    ),
    "sovereign-field",
  ),
  on(
    "changes the branding of another's Sovereign",
    "ooredoo",
    mergePatch(SOVEREIGN, { spec: { branding: { displayName: "Ours" } } }),
    "sovereign-field",
  ),
  on(
    "sets branding after its term",
    "expired",
    mergePatch(SOVEREIGN, { spec: { branding: { displayName: "Ours" } } }),
    "sovereign-field",
  ),
  on(
    "writes the status of its Sovereign",
    "omantel",
    mergePatch(`${SOVEREIGN}/status`, { status: { pinnedImage: "x" } }),
    "sovereign-field",
  ),
  on("deletes its Sovereign", "omantel", remove(SOVEREIGN), "sovereign-field"),
  on("deletes all Sovereigns", "omantel", remove(cluster(PRODUCT, "sovereigns")), "sovereign-field"),
  on(
    "brands without the grant",
    "ooredoo",
    mergePatch(cluster(PRODUCT, "sovereigns/ooredoo"), { spec: { branding: { displayName: "Ooredoo" } } }),
    "sovereign-branding-grant",
  ),
  on(
    "offers a tier without the grant",
    "omantel",
    mergePatch(SOVEREIGN, { spec: { tiers: [{ id: "platinum", name: "Platinum", priceBaisa: 1 }] } }),
    "sovereign-tier-grant",
  ),
  on(
    "brands with a host of another Sovereign",
    "omantel",
    mergePatch(SOVEREIGN, { spec: { branding: { hostname: "ooredoo.test" } } }),
    "sovereign-host",
  ),
];

const evidence = (annotation: string) => ({
  metadata: { annotations: { [`${LABEL_PREFIX}/${annotation}`]: "amal" } },
});

const EVIDENCE_ATTEMPTS: readonly Attempt[] = ["approved-by", "score"].flatMap((annotation) => [
  on(
    `writes ${annotation} on a Deployment`,
    "amal",
    mergePatch(group("apps/v1", "acme-prod", "deployments/app"), evidence(annotation)),
    "evidence-pipeline-only",
  ),
  on(
    `writes ${annotation} on a new Deployment`,
    "amal",
    post(group("apps/v1", "acme-prod", "deployments"), {
      ...deployment("evil"),
      ...{ metadata: { name: "evil", ...evidence(annotation).metadata } },
    }),
    "evidence-pipeline-only",
  ),
  on(
    `writes ${annotation} by the status of a Deployment`,
    "amal",
    mergePatch(group("apps/v1", "acme-prod", "deployments/app/status"), evidence(annotation)),
    "evidence-pipeline-only",
  ),
  on(
    `writes ${annotation} by server-side apply on an OCIRepository`,
    "amal",
    apply(group("source.toolkit.fluxcd.io/v1", "acme-prod", "ocirepositories/approved"), {
      ...ociRepository("approved"),
      metadata: { name: "approved", ...evidence(annotation).metadata },
    }),
    "evidence-pipeline-only",
  ),
  on(
    `writes ${annotation} on a Pod in an ordinary namespace`,
    "stranger",
    mergePatch(core("shop", "pods/app-0"), evidence(annotation)),
    "evidence-pipeline-only",
  ),
  onReal(
    `writes ${annotation} on a Pod by a binding`,
    "amal",
    post(core("acme-prod", "pods/app-0/binding"), {
      ...named("v1", "Binding", "app-0", evidence(annotation)),
      target: { apiVersion: "v1", kind: "Node", name: "node-1" },
    }),
    "evidence-pipeline-only",
  ),
]);

const platformLabel = (label: string) => ({ metadata: { labels: { [`${LABEL_PREFIX}/${label}`]: "acme" } } });
const MANAGED = core("acme-prod", "configmaps/managed");

const MANAGED_ATTEMPTS: readonly Attempt[] = [
  on(
    "changes what the operator manages",
    "amal",
    mergePatch(MANAGED, { data: { colour: "black" } }),
    "managed-object",
  ),
  on(
    "replaces what the operator manages",
    "amal",
    put(
      MANAGED,
      configMap("managed", { metadata: { labels: { [`${LABEL_PREFIX}/managed-by`]: "operator" } } }),
    ),
    "managed-object",
  ),
  on("deletes what the operator manages", "amal", remove(MANAGED), "managed-object"),
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
    "deletes what the operator manages among others",
    "amal",
    remove(`${core("acme-prod", "configmaps")}?labelSelector=${LABEL_PREFIX}%2Fmanaged-by%3Doperator`),
    "managed-object",
  ),
  on(
    "becomes co-owner of what the operator manages",
    "amal",
    apply(MANAGED, configMap("managed", { data: { colour: "red" } })),
    "managed-object",
  ),
  on(
    "gives what the operator manages an owner",
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

export const OWNERSHIP_ATTEMPTS: readonly Attempt[] = [
  ...BLUEPRINT_ATTEMPTS,
  ...SOVEREIGN_ATTEMPTS,
  ...EVIDENCE_ATTEMPTS,
  ...MANAGED_ATTEMPTS,
];
