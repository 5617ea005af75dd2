import type { AdmissionInput, ReviewedObject } from "./request.ts";

/** The Service by which every Pod reaches the API server. The API server makes it, with its addresses. */
export const CLUSTER_SERVICE = { namespace: "default", name: "kubernetes" } as const;

/** kube-proxy joins all EndpointSlices with this label, whatever their names. */
export const SLICE_LABEL = "kubernetes.io/service-name";

const PARTS = ["services.", "endpoints.", "endpointslices.discovery.k8s.io"];

/** Whether a request writes the Service, or its addresses. A request that connects to the Service writes nothing. */
export function isClusterServicePart({
  operation,
  group,
  resource,
  namespace,
  name,
  object,
  oldObject,
}: AdmissionInput): boolean {
  if (operation === "CONNECT" || namespace !== CLUSTER_SERVICE.namespace) return false;
  if (!PARTS.includes(`${resource}.${group}`)) return false;
  return name === CLUSTER_SERVICE.name || [object, oldObject].some(isPart);
}

const isPart = (it: ReviewedObject | undefined): boolean =>
  it?.metadata?.name === CLUSTER_SERVICE.name || it?.metadata?.labels?.[SLICE_LABEL] === CLUSTER_SERVICE.name;
