import type { ServiceResolver } from "./admission/webhook-client.ts";
import { matchesLabels, requirementsOf } from "./label-selector.ts";
import { type ApiObject, hasCondition, type JsonObject, listOf, recordOf, recordsOf } from "./object.ts";
import type { Store } from "./store.ts";

/**
 * Returns the address of a Service's port: a ready address of an EndpointSlice, else a ready Pod that the Service
 * selects (no controller here writes EndpointSlices), else the external name.
 */
export function resolveServiceIn(store: Store): ServiceResolver {
  return ({ namespace, name, port }) => {
    const service = store.get("/services", namespace, name);
    if (service === undefined) return undefined;
    const spec = recordOf(service.spec);
    if (spec.type === "ExternalName") return { host: String(spec.externalName), port };
    const servicePort = recordsOf(spec.ports).find((candidate) => candidate.port === port);
    if (servicePort === undefined) return undefined;
    return endpointOf(store, namespace, name, servicePort) ?? podOf(store, namespace, spec, servicePort);
  };
}

function endpointOf(store: Store, namespace: string, name: string, servicePort: JsonObject) {
  for (const slice of store.list("discovery.k8s.io/endpointslices", namespace)) {
    if (slice.metadata.labels?.["kubernetes.io/service-name"] !== name) continue;
    const { port } =
      recordsOf(slice.ports).find((candidate) => (candidate.name ?? "") === (servicePort.name ?? "")) ?? {};
    const ready = recordsOf(slice.endpoints).find(({ conditions }) => recordOf(conditions).ready !== false);
    const [host] = listOf(ready?.addresses);
    if (typeof host === "string" && typeof port === "number") return { host, port };
  }
  return undefined;
}

function podOf(store: Store, namespace: string, spec: JsonObject, servicePort: JsonObject) {
  const selector = recordOf(spec.selector) as Record<string, string>;
  if (Object.keys(selector).length === 0) return undefined;
  const wanted = requirementsOf({ matchLabels: selector });
  for (const pod of store.list("/pods", namespace)) {
    if (!matchesLabels(wanted, pod.metadata.labels) || !isReady(pod)) continue;
    const host = recordOf(pod.status).podIP;
    const port = targetPort(pod, servicePort.targetPort ?? servicePort.port);
    if (typeof host === "string" && port !== undefined) return { host, port };
  }
  return undefined;
}

const isReady = (pod: ApiObject) =>
  pod.metadata.deletionTimestamp === undefined && hasCondition(pod, "Ready");

/** The port number. `target` is a number or the name of a container port. */
function targetPort(pod: ApiObject, target: unknown): number | undefined {
  if (typeof target === "number") return target;
  const ports = recordsOf(recordOf(pod.spec).containers).flatMap(({ ports }) => recordsOf(ports));
  const named = ports.find(({ name }) => name === target)?.containerPort;
  return typeof named === "number" ? named : undefined;
}
