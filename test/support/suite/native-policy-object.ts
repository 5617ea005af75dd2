import { cluster, type Request } from "./red-team/attempt.ts";
import { AUTHORITY } from "./red-team/certificate.ts";
import { LABEL_PREFIX, named } from "./red-team/object.ts";
import type { Person } from "./red-team/person.ts";

/** A request that is sent while the webhook is down. */
export interface NativeRow {
  title: string;
  by: Person;
  request: Request;
}

export const ADMISSION = "admissionregistration.k8s.io/v1";
export const VALIDATING = cluster(ADMISSION, "validatingwebhookconfigurations");
export const MUTATING = cluster(ADMISSION, "mutatingwebhookconfigurations");
export const API_SERVICES = cluster("apiregistration.k8s.io/v1", "apiservices");
export const DEFINITIONS = cluster("apiextensions.k8s.io/v1", "customresourcedefinitions");
export const RBAC = "rbac.authorization.k8s.io/v1";
export const LABELLED = { metadata: { labels: { mine: "yes" } } };
export const OURS = `${VALIDATING}/catalyst-operator`;
export const SOVEREIGNS = `${DEFINITIONS}/sovereigns.${LABEL_PREFIX}`;

export const apiService = (groupName: string) => ({
  ...named("apiregistration.k8s.io/v1", "APIService", `v1.${groupName}`, {
    spec: {
      ...{ group: groupName, version: "v1", groupPriorityMinimum: 1, versionPriority: 1 },
      service: { name: "app", namespace: "shop" },
    },
  }),
});

/** A webhook for a kind that does not exist, so that it is never called. */
const hook = (name: string) => ({
  name,
  clientConfig: { url: "https://127.0.0.1:2/hook" },
  rules: [{ apiGroups: ["none.example"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["nones"] }],
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
});
export const webhookConfiguration = (kind: "Validating" | "Mutating", name: string) =>
  named(ADMISSION, `${kind}WebhookConfiguration`, name, {
    webhooks: [hook(`one.${name}.example`), hook(`two.${name}.example`)],
  });
export const caBundle = (index: number) => ({
  op: "add",
  path: `/webhooks/${index}/clientConfig/caBundle`,
  value: AUTHORITY,
});

export const SYSTEM = "catalyst-system";

export function event(namespace: string) {
  return {
    ...named("v1", "Event", "probe"),
    involvedObject: { kind: "Pod", namespace, name: "operator-0" },
    reason: "Test",
  };
}
