import { GROUP } from "../api/kind.ts";
import { LABEL } from "../api/label.ts";
import {
  CATALOG_NAMESPACE,
  PRIVATE_CATALOG_NAMESPACE,
  SYSTEM_NAMESPACE,
  WEBHOOK_CONFIGURATION,
  WEBHOOK_SERVICE,
} from "../api/name.ts";
import type { KubernetesObject } from "../api/object.ts";
import { ADMISSION_PATH } from "./routes.ts";
import type { PlatformIdentities } from "./rules/input.ts";
import { ROAD_RESOURCES } from "./rules/install-source.ts";

export interface WebhookEndpoint {
  /** PEM. */
  caBundle: string;
  /** `https://…:9443` where the API server reaches this process; undefined: through the Service. */
  url: string | undefined;
}

const TIMEOUT_SECONDS = 10;
const WRITES = ["CREATE", "UPDATE", "DELETE"];

interface WebhookRule {
  apiGroups: string[];
  apiVersions: string[];
  resources: string[];
  operations: string[];
  scope: string;
}

const rule = (group: string, resources: string[], operations = WRITES): WebhookRule => ({
  apiGroups: [group],
  apiVersions: ["*"],
  resources,
  operations,
  scope: "*",
});

/**
 * The webhook configuration, from the same lists as the rules. It fails closed, and only where somebody other than the
 * platform writes: the platform and the cluster's machinery never wait for it, so it cannot lock out its own repair.
 */
export function desiredWebhookConfiguration(
  endpoint: WebhookEndpoint,
  platform: PlatformIdentities,
): KubernetesObject {
  const clientConfig = {
    caBundle: Buffer.from(endpoint.caBundle).toString("base64"),
    ...(endpoint.url === undefined
      ? { service: { name: WEBHOOK_SERVICE, namespace: SYSTEM_NAMESPACE, path: ADMISSION_PATH, port: 443 } }
      : { url: `${endpoint.url}${ADMISSION_PATH}` }),
  };
  const webhook = (name: string, rules: WebhookRule[], namespaceSelector?: object) => ({
    name: `${name}.${GROUP}`,
    clientConfig,
    rules,
    ...(namespaceSelector === undefined ? {} : { namespaceSelector }),
    matchConditions: notPlatform(platform),
    matchPolicy: "Equivalent",
    failurePolicy: "Fail",
    sideEffects: "None",
    timeoutSeconds: TIMEOUT_SECONDS,
    admissionReviewVersions: ["v1"],
  });
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: WEBHOOK_CONFIGURATION, labels: { [LABEL.managedBy]: "operator" } },
    webhooks: [
      webhook("platform", PLATFORM_RULES),
      webhook("workload", WORKLOAD_RULES, outsideTheClustersOwn()),
      webhook("namespace", [rule("*", ["*/*"], [...WRITES, "CONNECT"])], guardedNamespaces()),
      webhook("organization", [rule("*", ["*/*"], [...WRITES, "CONNECT"])], organizationNamespaces()),
    ],
  } as KubernetesObject;
}

/** The CA bundles (PEM) that a configuration carries, one for each of its webhooks. */
export function publishedBundles(configuration: KubernetesObject | undefined): string[] {
  const { webhooks = [] } = (configuration ?? {}) as {
    webhooks?: { clientConfig?: { caBundle?: string } }[];
  };
  return webhooks.map(({ clientConfig }) => Buffer.from(clientConfig?.caBundle ?? "", "base64").toString());
}

const PLATFORM_RULES: WebhookRule[] = [
  rule(GROUP, ["*", "*/status"]),
  rule("apiextensions.k8s.io", ["customresourcedefinitions", "customresourcedefinitions/status"]),
  rule("apiregistration.k8s.io", ["apiservices", "apiservices/status"]),
  rule("", ["namespaces", "namespaces/finalize", "namespaces/status"]),
  rule("", ["serviceaccounts/token"], ["CREATE"]),
  rule("rbac.authorization.k8s.io", ["roles", "rolebindings", "clusterroles", "clusterrolebindings"]),
  ...Object.entries(ROAD_RESOURCES).map(([group, resources]) => rule(group, resources)),
];

const WORKLOAD_RULES: WebhookRule[] = [
  rule("", ["pods", "pods/ephemeralcontainers", "replicationcontrollers"], ["CREATE", "UPDATE"]),
  rule("apps", ["deployments", "daemonsets", "statefulsets", "replicasets"], ["CREATE", "UPDATE"]),
  rule("batch", ["jobs", "cronjobs"], ["CREATE", "UPDATE"]),
];

/** By name, which nobody can change: a label that exempts could be written by the wrong hands. */
const outsideTheClustersOwn = () => ({
  matchExpressions: [
    {
      key: "kubernetes.io/metadata.name",
      operator: "NotIn",
      values: ["kube-system", "kube-public", "kube-node-lease"],
    },
  ],
});

const guardedNamespaces = () => ({
  matchExpressions: [
    {
      key: "kubernetes.io/metadata.name",
      operator: "In",
      values: [SYSTEM_NAMESPACE, CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE],
    },
  ],
});

/** Sovereigns' and tenants' namespaces bear a label that the platform alone writes. */
const organizationNamespaces = () => ({ matchExpressions: [{ key: LABEL.sovereign, operator: "Exists" }] });

function notPlatform({
  groups,
  serviceAccountNamespaces,
}: PlatformIdentities): { name: string; expression: string }[] {
  const celList = (items: readonly string[]) => `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;
  return [
    {
      name: "not-platform-group",
      expression: `!request.userInfo.groups.exists(group, group in ${celList(groups)})`,
    },
    {
      name: "not-platform-service-account",
      expression: `!${celList(serviceAccountNamespaces)}.exists(own, request.userInfo.username.startsWith("system:serviceaccount:" + own + ":"))`,
    },
    {
      name: "not-machinery",
      expression: `!("system:nodes" in request.userInfo.groups) && !request.userInfo.username.startsWith("system:kube-")`,
    },
  ];
}
