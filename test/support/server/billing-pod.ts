import { ownershipLabels, selectorLabels } from "../../../src/controllers/sovereign/desired-metadata.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { JWT_SECRET } from "../builder/billing.ts";
import { sovereign } from "../builder/catalyst-object.ts";
import { eventually } from "../wait.ts";
import { prepareCluster } from "./webhook-replica.ts";

export const BILLING_NAMESPACE = "sovereign-omantel";

/**
 * Writes Sovereign omantel, its key and a ready billing Pod on node `n`, as the operator and a kubelet would. Sovereign
 * resting has no Pod, and Sovereign remote runs on another cluster.
 */
export async function writeBillingPod(client: KubeClient): Promise<void> {
  const post = (path: string, body: object) => client.request({ method: "POST", path, body });
  const core = `/api/v1/namespaces/${BILLING_NAMESPACE}`;
  await prepareCluster(client);
  await post("/api/v1/namespaces", { metadata: { name: BILLING_NAMESPACE } });
  const { apiVersion, kind, metadata, spec } = sovereign("omantel");
  const auth = { secretRef: { name: "billing-jwt" } };
  const create = (name: string, more: object) =>
    post("/apis/catalyst.openova.io/v1alpha1/sovereigns", {
      ...{ apiVersion, kind },
      metadata: { ...metadata, name },
      spec: { ...spec, fqdn: `${name}.example`, billing: { ...spec.billing, auth }, ...more },
    });
  // kube-apiserver serves a new kind with a short delay.
  await eventually(() => create("omantel", {}));
  await create("resting", {});
  await create("remote", { cluster: { kubeconfigSecretRef: { name: "remote-kubeconfig" } } });
  await post(`${core}/secrets`, { metadata: { name: "billing-jwt" }, stringData: { secret: JWT_SECRET } });
  // A new API server may not have created the account of Pods yet.
  await post(`${core}/serviceaccounts`, { metadata: { name: "billing" } });
  await post(`${core}/pods`, {
    metadata: {
      name: "billing-0",
      labels: { ...ownershipLabels(sovereign("omantel")), ...selectorLabels("billing") },
    },
    spec: {
      ...{ nodeName: "n", serviceAccountName: "billing", automountServiceAccountToken: false },
      containers: [{ name: "billing", image: "example.org/app:1" }],
    },
  });
  await client.request({
    method: "PATCH",
    path: `${core}/pods/billing-0/status`,
    contentType: "application/merge-patch+json",
    body: {
      status: {
        ...{ phase: "Running", podIP: "10.0.0.7" },
        conditions: [{ type: "Ready", status: "True" }],
      },
    },
  });
}
