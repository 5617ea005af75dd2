import {
  type Attempt,
  cluster,
  core,
  group,
  mergePatch,
  on,
  onReal,
  post,
  strategicPatch,
} from "./attempt.ts";
import { helmRelease, ingress, named, restrictedContainer, TAGGED, UNSIGNED } from "./object.ts";
import type { Person } from "./person.ts";

// Attacks that published advisories describe, on the kinds of each product.

/** An ordinary namespace, and an environment with one of its members. */
const HOMES: readonly [Person, string][] = [
  ["stranger", "shop"],
  ["amal", "acme-prod"],
];
const NGINX = "nginx.ingress.kubernetes.io";
const INGRESSES = "networking.k8s.io/v1";

const match = { any: [{ resources: { kinds: ["ConfigMap"] } }] };
const rule = (name: string, more: object) => ({ rules: [{ name, match, ...more }] });

/** Namespaced kinds whose controller acts with rights of its own: title, API version, collection, kind and spec. */
const DEPUTIES: readonly [string, string, string, string, object][] = [
  [
    "calls the API server as Kyverno by a Policy (CVE-2026-22039)",
    "kyverno.io/v1",
    "policies",
    "Policy",
    rule("read", {
      context: [{ name: "a", apiCall: { urlPath: "/api/v1/namespaces/globex-prod/secrets" } }],
      validate: { message: "{{ a }}", deny: {} },
    }),
  ],
  [
    "reads another namespace's ConfigMap by a Policy (CVE-2026-41068)",
    "kyverno.io/v1",
    "policies",
    "Policy",
    rule("read", {
      context: [{ name: "a", configMap: { name: "settings", namespace: "globex-prod" } }],
      validate: { message: "{{ a }}", deny: {} },
    }),
  ],
  [
    "generates a RoleBinding elsewhere by a Policy",
    "kyverno.io/v1",
    "policies",
    "Policy",
    rule("generate", {
      generate: {
        ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", name: "mine" },
        namespace: "kube-system",
        data: { roleRef: { kind: "ClusterRole", name: "cluster-admin" } },
      },
    }),
  ],
  [
    "changes existing objects elsewhere by a Policy",
    "kyverno.io/v1",
    "policies",
    "Policy",
    rule("mutate", {
      mutate: {
        targets: [{ apiVersion: "v1", kind: "ConfigMap", name: "settings", namespace: "globex-prod" }],
        patchStrategicMerge: { data: { colour: "black" } },
      },
    }),
  ],
  [
    "exempts itself from the policies of the cluster (CVE-2024-48921)",
    "kyverno.io/v2",
    "policyexceptions",
    "PolicyException",
    { exceptions: [{ policyName: "catalyst-image-signature", ruleNames: ["*"] }], match },
  ],
  [
    "generates objects by a NamespacedGeneratingPolicy",
    "policies.kyverno.io/v1",
    "namespacedgeneratingpolicies",
    "NamespacedGeneratingPolicy",
    { generate: [{ expression: 'generator.Apply("kube-system", [])' }] },
  ],
  [
    "creates a ClusterRole by a TenantResource of Capsule (CVE-2026-22872)",
    "capsule.clastix.io/v1beta2",
    "tenantresources",
    "TenantResource",
    {
      resources: [
        { rawItems: [{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", rules: [] }] },
      ],
    },
  ],
  [
    "runs a script as Flux by a Kustomization (CVE-2021-41254)",
    "kustomize.toolkit.fluxcd.io/v1",
    "kustomizations",
    "Kustomization",
    { decryption: { provider: "sops", secretRef: { name: "script" } } },
  ],
  [
    "reads Flux's files by the path of a Kustomization (CVE-2022-24877)",
    "kustomize.toolkit.fluxcd.io/v1",
    "kustomizations",
    "Kustomization",
    { path: "../../../../var/run/secrets" },
  ],
  [
    "deploys by an Application outside Argo CD's namespaces (CVE-2023-22736)",
    "argoproj.io/v1alpha1",
    "applications",
    "Application",
    { project: "default", destination: { namespace: "kube-system" } },
  ],
];

const KINDS: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...DEPUTIES.map(([title, version, plural, kind, spec]) =>
    on(
      `${title} in ${at}`,
      by,
      post(group(version, at, plural), named(version, kind, "mine", { spec })),
      "install-source",
    ),
  ),
  on(
    `runs a command as Flux by the kubeconfig of a HelmRelease (CVE-2022-24817) in ${at}`,
    by,
    post(
      group("helm.toolkit.fluxcd.io/v2", at, "helmreleases"),
      helmRelease("exec", { kubeConfig: { secretRef: { name: "exec", key: "value" } } }),
    ),
    "helm-release",
  ),
  on(
    `changes the image of a Deployment that waits for its finalizer (CVE-2023-34091) in ${at}`,
    by,
    strategicPatch(group("apps/v1", at, "deployments/leaving"), {
      spec: { template: { spec: { containers: [{ name: "app", image: TAGGED }] } } },
    }),
    "image-digest",
  ),
  onReal(
    `adds an unsigned ephemeral container (CVE-2023-2727) in ${at}`,
    by,
    strategicPatch(core(at, "pods/app-0/ephemeralcontainers"), {
      spec: { ephemeralContainers: [restrictedContainer("spy", UNSIGNED)] },
    }),
    "image-signature",
  ),
  ...[
    ["a common name to match (CVE-2025-1097)", "auth-tls-match-cn", "CN=a #(\n){}\n }}\nssl_engine x;\n#"],
    ["a mirror's target (CVE-2025-1098)", "mirror-target", "http://a;\n}\nssl_engine x;"],
    ["a path to rewrite to (CVE-2021-25746)", "rewrite-target", "/;\n}\nlua_code_cache off;"],
  ].map(([what, annotation, value]) =>
    on(
      `gives the ingress controller directives in ${what} in ${at}`,
      by,
      mergePatch(group(INGRESSES, at, "ingresses/app"), {
        metadata: { annotations: { [`${NGINX}/${annotation}`]: value } },
      }),
      "ingress-annotation",
    ),
  ),
  on(
    `gives the ingress controller directives in a path (CVE-2021-25745) in ${at}`,
    by,
    post(group(INGRESSES, at, "ingresses"), withPath("mine", '/a" { return 200; } location "/b')),
    "ingress-annotation",
  ),
  on(
    `serves every host by an Ingress without a host in ${at}`,
    by,
    post(group(INGRESSES, at, "ingresses"), ingress("every", "")),
    "sovereign-host",
  ),
  on(
    `serves the hosts of a shared Gateway by a route without hostnames in ${at}`,
    by,
    post(
      group("gateway.networking.k8s.io/v1", at, "httproutes"),
      named("gateway.networking.k8s.io/v1", "HTTPRoute", "every", {
        spec: { parentRefs: [{ name: "shared", namespace: "ingress-nginx" }] },
      }),
    ),
    "sovereign-host",
  ),
]);

function withPath(name: string, path: string) {
  const made = ingress(name, "shop.example");
  const backend = { service: { name: "app", port: { number: 80 } } };
  const http = { paths: [{ path, pathType: "ImplementationSpecific", backend }] };
  return { ...made, spec: { rules: [{ host: "shop.example", http }] } };
}

const owner = { apiVersion: "capsule.clastix.io/v1beta2", kind: "Tenant", name: "mine", uid: "0" };

const OBJECTS: readonly Attempt[] = [
  ...["kube-system", "globex-prod", "sovereign-omantel"].flatMap((name) => [
    on(
      `takes over Namespace ${name} by an owner (CVE-2024-39690)`,
      "stranger",
      mergePatch(`/api/v1/namespaces/${name}`, { metadata: { ownerReferences: [owner] } }),
      "namespace-guarded",
    ),
    on(
      `takes over Namespace ${name} by Capsule's label (CVE-2025-55205)`,
      "omantel",
      mergePatch(`/api/v1/namespaces/${name}`, {
        metadata: { labels: { "capsule.clastix.io/tenant": "mine" } },
      }),
      "namespace-guarded",
    ),
    on(
      `has Gatekeeper ignore Namespace ${name}`,
      "amal",
      mergePatch(`/api/v1/namespaces/${name}`, {
        metadata: { labels: { "admission.gatekeeper.sh/ignore": "yes" } },
      }),
      "namespace-guarded",
    ),
  ]),
  on(
    "exempts namespaces from Gatekeeper",
    "stranger",
    post(
      group("config.gatekeeper.sh/v1alpha1", "cert-manager", "configs"),
      named("config.gatekeeper.sh/v1alpha1", "Config", "config", {
        spec: { match: [{ excludedNamespaces: ["*"], processes: ["*"] }] },
      }),
    ),
    "controller-namespace",
  ),
  on(
    "replaces what Gatekeeper checks",
    "omantel",
    post(
      cluster("templates.gatekeeper.sh/v1", "constrainttemplates"),
      named("templates.gatekeeper.sh/v1", "ConstraintTemplate", "mine", { spec: {} }),
    ),
    "cluster-scope",
  ),
  on(
    "adds an owner to a node, so that the garbage collector deletes it (CVE-2025-5187)",
    "stranger",
    mergePatch("/api/v1/nodes/node-1", {
      metadata: { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "gone", uid: "0" }] },
    }),
    "cluster-scope",
  ),
  on(
    "makes a node unschedulable (CVE-2021-25735)",
    "omantel",
    mergePatch("/api/v1/nodes/node-1", { spec: { unschedulable: true } }),
    "cluster-scope",
  ),
];

export const ADVISORY_ATTEMPTS: readonly Attempt[] = [...KINDS, ...OBJECTS];

export const ALLOWED_ADVISORY: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  on(
    `serves a path that is a regular expression in ${at}`,
    by,
    post(group(INGRESSES, at, "ingresses"), withPath("expression", "/orders/[0-9]{3}/(?<rest>.*)")),
    "allowed",
  ),
  on(
    `serves what no other Ingress matches in ${at}`,
    by,
    post(group(INGRESSES, at, "ingresses"), {
      ...named(INGRESSES, "Ingress", "fallback"),
      spec: { defaultBackend: { service: { name: "app", port: { number: 80 } } } },
    }),
    "allowed",
  ),
  on(
    `serves its own Gateway's hosts in ${at}`,
    by,
    post(
      group("gateway.networking.k8s.io/v1", at, "httproutes"),
      named("gateway.networking.k8s.io/v1", "HTTPRoute", "own-listener", {
        spec: { parentRefs: [{ name: "own" }] },
      }),
    ),
    "allowed",
  ),
]);
