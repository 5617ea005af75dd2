import { type ApiObject, type JsonObject, listOf, recordOf, recordsOf } from "../object.ts";
import type { ResourceType } from "../resource-type.ts";

export const CRD_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

/** Sets what Kubernetes writes into a new object of a built-in kind: an initial status, selectors, finalizers. */
export function prepareBuiltinCreate(object: ApiObject, type: ResourceType): void {
  if (type.subresources.has("status") && type.storage !== "/nodes") object.status = {};
  switch (type.storage) {
    case "/namespaces":
      object.status = { phase: "Active" };
      object.spec = { finalizers: ["kubernetes"] };
      return;
    case "/pods":
      object.status = { phase: "Pending", qosClass: qosClass(recordOf(object.spec)) };
      return;
    case "/services":
      object.status = { loadBalancer: {} };
      return;
    case "networking.k8s.io/ingresses":
      object.status = { loadBalancer: {} };
      return;
    case "batch/jobs":
      labelJobPods(object);
      return;
    case "policy/poddisruptionbudgets":
      object.status = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
      return;
    case "apps/replicasets":
    case "apps/statefulsets":
      object.status = { replicas: 0 };
      return;
    case "apiextensions.k8s.io/customresourcedefinitions":
      object.metadata.finalizers = [...new Set([...(object.metadata.finalizers ?? []), CRD_FINALIZER])];
      object.status = { storedVersions: storageVersions(object) };
      return;
    default:
      return;
  }
}

function storageVersions(crd: ApiObject): unknown[] {
  return recordsOf(recordOf(crd.spec).versions)
    .filter(({ storage }) => storage === true)
    .map(({ name }) => name);
}

/** A Job selects its Pods by labels that no other Job can have. */
function labelJobPods(job: ApiObject): void {
  const spec = recordOf(job.spec);
  if (spec.manualSelector === true) return;
  const { name, uid } = job.metadata;
  const template = recordOf(spec.template);
  const metadata = recordOf(template.metadata);
  template.metadata = {
    ...metadata,
    labels: {
      ...recordOf(metadata.labels),
      "batch.kubernetes.io/controller-uid": uid,
      "batch.kubernetes.io/job-name": name,
      "controller-uid": uid,
      "job-name": name,
    },
  };
  spec.selector ??= { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
}

function qosClass(spec: JsonObject): string {
  const containers = listOf(spec.containers).map((container) => recordOf(recordOf(container).resources));
  const stated = containers.some(({ limits, requests }) => limits !== undefined || requests !== undefined);
  if (!stated) return "BestEffort";
  const guaranteed = containers.every(({ limits, requests }) =>
    ["cpu", "memory"].every((name) => {
      const limit = recordOf(limits)[name];
      return limit !== undefined && recordOf(requests)[name] === limit;
    }),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
