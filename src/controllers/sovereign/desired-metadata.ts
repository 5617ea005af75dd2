import { LABEL, MANAGED_BY } from "../../api/label.ts";
import { BILLING, sovereignNamespace } from "../../api/name.ts";
import type { KubernetesObject, ObjectMeta } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";

export const namespaceOf = (sovereign: Sovereign): string =>
  sovereignNamespace(sovereign.metadata.name, sovereign.spec.namespace);

/** The labels of every object that the operator manages for a Sovereign. */
export const ownershipLabels = (sovereign: Sovereign): Record<string, string> => ({
  [LABEL.managedBy]: MANAGED_BY.operator,
  [LABEL.sovereign]: sovereign.metadata.name,
});

export const selectorLabels = (component: "billing" | "billing-migrate"): Record<string, string> => ({
  "app.kubernetes.io/name": component,
});

export function metadataOf(sovereign: Sovereign, name: string): ObjectMeta {
  return {
    name,
    namespace: namespaceOf(sovereign),
    labels: { ...ownershipLabels(sovereign), ...selectorLabels("billing") },
  };
}

export function desiredNamespace(sovereign: Sovereign): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: namespaceOf(sovereign),
      labels: { ...ownershipLabels(sovereign), "pod-security.kubernetes.io/enforce": "restricted" },
    },
  };
}

export function desiredServiceAccounts(sovereign: Sovereign): KubernetesObject[] {
  return [BILLING.workload, BILLING.migrationServiceAccount].map(
    (name) =>
      ({
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: metadataOf(sovereign, name),
        automountServiceAccountToken: false,
      }) as KubernetesObject,
  );
}
