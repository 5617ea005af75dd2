import { type Attempt, mergePatch, on, post, put, remove } from "./attempt.ts";
import { LABEL_PREFIX, namespace } from "./object.ts";

const reserved = (name: string) =>
  on(
    `creates Namespace ${name}`,
    "stranger",
    post("/api/v1/namespaces", namespace(name)),
    "namespace-reserved",
  );
const labelled = (label: string) => ({ labels: { [`${LABEL_PREFIX}/${label}`]: "acme" } });
const GUARDED = [
  "kube-system",
  "catalyst-system",
  "cert-manager",
  "catalog",
  "sovereign-omantel",
  "org-globex",
  "globex-prod",
];

export const NAMESPACE_ATTEMPTS: readonly Attempt[] = [
  ...["kube-tools", "org-initech", "sovereign-mine", "acme-dev", "globex-stg", "monitoring"].map(reserved),
  on(
    "creates a Namespace with a generated name of an Organization",
    "stranger",
    post("/api/v1/namespaces", { ...namespace(""), metadata: { generateName: "org-" } }),
    "namespace-reserved",
  ),
  on(
    "creates a Namespace whose Pods use devices of others",
    "stranger",
    post(
      "/api/v1/namespaces",
      namespace("gpu", { labels: { "resource.kubernetes.io/admin-access": "true" } }),
    ),
    "platform-label",
  ),
  ...["organization", "sovereign", "environment", "managed-by"].map((label) =>
    on(
      `creates a Namespace with the label ${label}`,
      "omantel",
      post("/api/v1/namespaces", namespace("mine", labelled(label))),
      "platform-label",
    ),
  ),
  ...["organization", "sovereign"].map((label) =>
    on(
      `gives a filled Namespace the label ${label}`,
      "stranger",
      mergePatch("/api/v1/namespaces/shop", { metadata: labelled(label) }),
      "platform-label",
    ),
  ),
  ...GUARDED.flatMap((name) => [
    on(
      `changes the labels of Namespace ${name}`,
      "omantel",
      mergePatch(`/api/v1/namespaces/${name}`, { metadata: { labels: { mine: "yes" } } }),
      "namespace-guarded",
    ),
  ]),
  // Kubernetes itself keeps kube-system.
  ...GUARDED.slice(1).map((name) =>
    on(`deletes Namespace ${name}`, "omantel", remove(`/api/v1/namespaces/${name}`), "namespace-guarded"),
  ),
  on(
    "moves an environment out of its Organization",
    "amal",
    mergePatch("/api/v1/namespaces/acme-prod", {
      metadata: { labels: { [`${LABEL_PREFIX}/organization`]: null, [`${LABEL_PREFIX}/environment`]: null } },
    }),
    "namespace-guarded",
  ),
  on(
    "changes the annotations of its own environment",
    "amal",
    mergePatch("/api/v1/namespaces/acme-prod", { metadata: { annotations: { mine: "yes" } } }),
    "namespace-guarded",
  ),
  ...["acme-prod", "shop"].flatMap((name) => [
    on(
      `finalizes Namespace ${name}`,
      "stranger",
      put(`/api/v1/namespaces/${name}/finalize`, { ...namespace(name), spec: { finalizers: [] } }),
      "namespace-guarded",
    ),
    on(
      `writes the status of Namespace ${name}`,
      "stranger",
      mergePatch(`/api/v1/namespaces/${name}/status`, {
        status: { conditions: [{ type: "NamespaceContentRemaining", status: "True" }] },
      }),
      "namespace-guarded",
    ),
  ]),
];
