import { cluster, core, group, post, type Request, remove } from "./attempt.ts";
import { CLAIM_SEEDS, DEVICE_SEEDS, NETWORK_SEEDS, SERVICE_SEEDS } from "./claim-seed.ts";
import { managedIngress } from "./deputy-attempt.ts";
import { ENVIRONMENT_SEEDS } from "./environment-seed.ts";
import { CONVERTED_DEFINITION, DEFINITIONS } from "./kind.ts";
import {
  blueprint,
  configMap,
  deployment,
  franchise,
  ingress,
  LABEL_PREFIX,
  localRoleBinding,
  named,
  namespace,
  ociRepository,
  pod,
  REGISTRY,
  replicaSet,
  restrictedPod,
  role,
  roleBinding,
  SIGNED,
  secret,
  service,
  serviceAccount,
  sizedPod,
  sovereign,
  statefulSet,
  UNSIGNED_ARTIFACT,
} from "./object.ts";
import { WIDE_GROUP } from "./person.ts";
import { TERMINATING_SEEDS } from "./terminating-attempt.ts";

const PRODUCT = `${LABEL_PREFIX}/v1alpha1`;
const label = (name: string) => `${LABEL_PREFIX}/${name}`;
const organizationLabels = (name: string, sovereign: string) => ({
  [label("organization")]: name,
  [label("sovereign")]: sovereign,
  [label("managed-by")]: "operator",
});
const environmentLabels = (organization: string, environment = "prod") => ({
  [label("organization")]: organization,
  [label("environment")]: environment,
});

/** Namespaces and their labels. Those with objects to attack are in `FILLED` too. */
const NAMESPACES: Readonly<Record<string, object>> = {
  "kube-system": {},
  "kube-public": {},
  "kube-node-lease": {},
  "flux-system": {},
  "cert-manager": {},
  "external-secrets": {},
  "ingress-nginx": {},
  catalog: {},
  "catalog-sovereign": {},
  "sovereign-omantel": { [label("sovereign")]: "omantel", [label("managed-by")]: "operator" },
  "org-acme": organizationLabels("acme", "omantel"),
  "acme-prod": environmentLabels("acme"),
  "acme-stg": environmentLabels("acme", "stg"),
  "acme-uat": environmentLabels("acme", "uat"),
  "acme-dev": environmentLabels("acme", "dev"),
  "acme-poc": environmentLabels("acme", "poc"),
  "org-globex": organizationLabels("globex", "omantel"),
  "globex-prod": environmentLabels("globex"),
  /** Ordinary namespaces. */
  shop: {},
  bazaar: {},
  souk: {},
  medina: {},
};

const FILLED = [
  "kube-system",
  "kube-public",
  "flux-system",
  "catalyst-system",
  "cert-manager",
  "sovereign-omantel",
  "org-acme",
  "acme-prod",
  "org-globex",
  "globex-prod",
  "catalog",
  "shop",
];

const RBAC_VERSION = "rbac.authorization.k8s.io/v1";

/** Accounts that act for others, the Pods that run as them, and roles by which a user could act as them. */
const ACCOUNTS: readonly Request[] = [
  ...["franchisee", "clerk", "default"].map((name) =>
    post(core("bazaar", "serviceaccounts"), serviceAccount(name)),
  ),
  post(core("org-acme", "serviceaccounts"), serviceAccount("globex-ci")),
  post(core("medina", "serviceaccounts"), serviceAccount("robot")),
  ...["default", "other"].map((name) => post(core("souk", "serviceaccounts"), serviceAccount(name))),
  post(core("bazaar", "pods"), pod("seller-0", SIGNED, { serviceAccountName: "franchisee" })),
  post(core("bazaar", "pods"), pod("plain-0")),
  post(
    group("apps/v1", "bazaar", "deployments"),
    deployment("seller", SIGNED, { serviceAccountName: "franchisee" }),
  ),
  post(
    group(RBAC_VERSION, "bazaar", "roles"),
    role("actor", { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["impersonate"] }),
  ),
  post(
    group(RBAC_VERSION, "bazaar", "roles"),
    role("reader", { apiGroups: [""], resources: ["pods"], verbs: ["get"] }),
  ),
  post(group(RBAC_VERSION, "bazaar", "rolebindings"), roleBinding("editors", "edit", "somebody")),
  post(group(RBAC_VERSION, "bazaar", "rolebindings"), localRoleBinding("readers", "reader", "somebody")),
];

const GUARDED_LABEL = { metadata: { labels: { part: "settings" } } };

/** The same objects in every namespace, so that each attempt has a target. */
const contentOf = (name: string): Request[] => [
  post(core(name, "configmaps"), configMap("settings", GUARDED_LABEL)),
  post(core(name, "secrets"), secret("credentials")),
  post(core(name, "serviceaccounts"), serviceAccount("robot")),
  post(core(name, "services"), service("app")),
  post(core(name, "pods"), restrictedPod("app-0")),
  post(group("apps/v1", name, "deployments"), deployment("app")),
  post(group("apps/v1", name, "replicasets"), replicaSet("app")),
  post(group("apps/v1", name, "statefulsets"), statefulSet("store")),
  post(group("rbac.authorization.k8s.io/v1", name, "rolebindings"), roleBinding("own", "view", "somebody")),
  post(group("networking.k8s.io/v1", name, "ingresses"), ingress("app", `${name}.test`)),
];

const productObjects = (omantelKey: string): Request[] => [
  ...[
    sovereign("zero", { role: "CatalystZero" }),
    sovereign(
      "omantel",
      {
        role: "Franchised",
        parent: "zero",
        franchise: "omantel",
        branding: { displayName: "Omantel", hostname: "marketplace.omantel.test" },
        tiers: [{ id: "starter", name: "Starter", priceBaisa: 5000 }],
      },
      { labels: { region: "gulf" }, finalizers: ["platform.example/keep"] },
    ),
    // Its hosts do not reveal its name.
    sovereign("quoll", { role: "SelfHosted", fqdn: "desert.test", parent: "zero" }),
    sovereign("ooredoo", { role: "Franchised", parent: "zero", franchise: "ooredoo" }),
  ].map((it) => post(cluster(PRODUCT, "sovereigns"), it)),
  ...[
    franchise("omantel", {
      blueprintTrust: [{ publicKey: omantelKey }],
      subjects: [
        { kind: "User", name: "omantel-admin" },
        { kind: "ServiceAccount", name: "franchisee", namespace: "bazaar" },
        { kind: "User", name: "system:serviceaccount:bazaar:clerk" },
        { kind: "ServiceAccount", name: "default", namespace: "souk" },
        { kind: "ServiceAccount", name: "seller", namespace: "ingress-nginx" },
      ],
    }),
    franchise("ooredoo", { grants: { privateBlueprints: { max: 1 } } }),
    franchise("expired", { term: { start: "2020-01-01T00:00:00Z", end: "2021-01-01T00:00:00Z" } }),
  ].map((it) => post(cluster(PRODUCT, "franchises"), it)),
  ...[
    {
      owner: "amal",
      name: "acme",
      members: [
        { kind: "Group", name: "acme-developers" },
        { kind: "ServiceAccount", name: "cnpg-manager", namespace: "cnpg-system" },
      ],
    },
    // An account in another Organization's home, and all accounts of an ordinary namespace.
    {
      ...{ owner: "basim", name: "globex" },
      members: [
        { kind: "ServiceAccount", name: "globex-ci", namespace: "org-acme" },
        { kind: "Group", name: "system:serviceaccounts:medina" },
      ],
    },
  ].map(({ owner, name, members }) =>
    post(
      cluster(PRODUCT, "organizations"),
      named(PRODUCT, "Organization", name, {
        spec: { displayName: name, owner, members, sovereign: "omantel" },
      }),
    ),
  ),
  post(
    group(PRODUCT, "catalog", "blueprints"),
    blueprint("listed", { visibility: "listed", franchise: undefined }),
  ),
  post(group(PRODUCT, "catalog-sovereign", "blueprints"), blueprint("omantel-shop")),
  post(
    group(PRODUCT, "catalog-sovereign", "blueprints"),
    blueprint("ooredoo-shop", { franchise: "ooredoo" }),
  ),
];

/** The objects that an administrator creates before the operator starts. */
export function seeds(kind: "embedded" | "real", omantelKey: string): Request[] {
  const wide = {
    ...named("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "wide"),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: WIDE_GROUP }],
  };
  const onlyReal: Request[] = [
    ...["kube-system", "sovereign-omantel", "globex-prod", "acme-prod"].map((name) =>
      post(core(name, "pods"), sizedPod("sized-0", "10m")),
    ),
    post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CONVERTED_DEFINITION),
    ...CLAIM_SEEDS,
    ...DEVICE_SEEDS,
    ...TERMINATING_SEEDS,
  ];
  return [
    post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", wide),
    ...DEFINITIONS.map((it) => post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", it)),
    ...Object.entries(NAMESPACES).map(([name, labels]) =>
      post("/api/v1/namespaces", namespace(name, { labels })),
    ),
    ...FILLED.flatMap(contentOf),
    ...ACCOUNTS,
    ...["acme-prod", "globex-prod", "shop"].map((name) =>
      post(group("source.toolkit.fluxcd.io/v1", name, "ocirepositories"), ociRepository("shop")),
    ),
    // A Deployment that waits for its finalizer.
    ...["acme-prod", "shop"].flatMap((name) => [
      post(group("apps/v1", name, "deployments"), {
        ...deployment("leaving"),
        metadata: { name: "leaving", finalizers: ["shop.test/wait"] },
      }),
      remove(group("apps/v1", name, "deployments/leaving")),
    ]),
    ...SERVICE_SEEDS,
    // OCIRepositories that were there before admission.
    ...["acme-prod", "shop"].flatMap((name) => [
      post(
        group("source.toolkit.fluxcd.io/v1", name, "ocirepositories"),
        ociRepository("earlier-tag", { ref: { tag: "latest" } }),
      ),
      post(
        group("source.toolkit.fluxcd.io/v1", name, "ocirepositories"),
        ociRepository("earlier-unsigned", {
          url: `oci://${REGISTRY}/${UNSIGNED_ARTIFACT.repository}`,
          ref: { digest: UNSIGNED_ARTIFACT.digest },
        }),
      ),
    ]),
    post(core("shop", "secrets"), secret("sh.helm.release.v1.seed.v1", { type: "helm.sh/release.v1" })),
    post(
      core("acme-prod", "configmaps"),
      configMap("managed", { metadata: { labels: { [label("managed-by")]: "operator" } } }),
    ),
    ...NETWORK_SEEDS,
    post(
      group("networking.k8s.io/v1", "sovereign-omantel", "ingresses"),
      managedIngress({
        [label("sovereign")]: "omantel",
        [label("managed-by")]: "operator",
      }),
    ),
    post(core("shop", "pods"), pod("unbound", SIGNED, { schedulerName: "shop-scheduler" })),
    post(
      "/api/v1/nodes",
      named("v1", "Node", "node-1", { metadata: { labels: { "kubernetes.io/hostname": "node-1" } } }),
    ),
    post(
      cluster("cert-manager.io/v1", "clusterissuers"),
      named("cert-manager.io/v1", "ClusterIssuer", "public", { spec: {} }),
    ),
    post(
      group("cert-manager.io/v1", "acme-prod", "certificates"),
      named("cert-manager.io/v1", "Certificate", "site", { spec: {} }),
    ),
    ...productObjects(omantelKey),
    ...ENVIRONMENT_SEEDS,
    ...(kind === "real" ? onlyReal : []),
  ];
}

export const trustConfigMap = (platformKey: string): Request =>
  post(
    core("catalyst-system", "configmaps"),
    configMap("catalyst-trust", {
      data: { "trust.yaml": JSON.stringify({ trust: [{ publicKey: platformKey }] }) },
    }),
  );
