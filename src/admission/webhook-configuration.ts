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
import { INSTALL_SOURCES } from "./rules/install-source.ts";
import { WORKLOADS } from "./rules/workload-image.ts";

export interface WebhookEndpoint {
  /** PEM. */
  caBundle: string;
  /** `https://…:9443`, where the API server reaches this process. Undefined: it goes through the Service. */
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
 * The webhook configuration, from the same lists as the rules. While the webhook is down, requests fail, but those of the
 * platform and the control plane do not: they are not sent to it, so the platform can always repair it.
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
      webhook("workload", WORKLOAD_RULES, outsideClusterNamespaces()),
      webhook("namespace", [rule("*", ["*/*"], [...WRITES, "CONNECT"])], guardedNamespaces()),
      webhook("organization", [rule("*", ["*/*"], [...WRITES, "CONNECT"])], labelledNamespaces()),
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
  ...Object.entries(INSTALL_SOURCES).map(([group, resources]) => rule(group, resources)),
];

const WORKLOAD_RULES: WebhookRule[] = Object.entries(WORKLOADS).map(([group, resources]) =>
  rule(group, resources, ["CREATE", "UPDATE"]),
);

/** By the name label, which the API server sets: users could write any other label to exempt their namespace. */
const outsideClusterNamespaces = () => ({
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

/** The namespaces of Sovereigns and tenants have this label, which only the platform may write. */
const labelledNamespaces = () => ({ matchExpressions: [{ key: LABEL.sovereign, operator: "Exists" }] });

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
      name: "not-control-plane",
      expression: `!("system:nodes" in request.userInfo.groups) && !request.userInfo.username.startsWith("system:kube-")`,
    },
  ];
}
