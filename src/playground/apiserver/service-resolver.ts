import type { ServiceResolver } from "./admission/webhook-client.ts";
import { matchesLabels, requirementsOf } from "./label-selector.ts";
import { type ApiObject, type JsonObject, listOf, recordOf } from "./object.ts";
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
    const servicePort = (listOf(spec.ports) as JsonObject[]).find((candidate) => candidate.port === port);
    if (servicePort === undefined) return undefined;
    return endpointOf(store, namespace, name, servicePort) ?? podOf(store, namespace, spec, servicePort);
  };
}

function endpointOf(store: Store, namespace: string, name: string, servicePort: JsonObject) {
  for (const slice of store.list("discovery.k8s.io/endpointslices", namespace)) {
    if (slice.metadata.labels?.["kubernetes.io/service-name"] !== name) continue;
    const { port } =
      (listOf(slice.ports) as JsonObject[]).find(
        (candidate) => (candidate.name ?? "") === (servicePort.name ?? ""),
      ) ?? {};
    const ready = (listOf(slice.endpoints) as JsonObject[]).find(
      ({ conditions }) => recordOf(conditions).ready !== false,
    );
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

function isReady({ metadata, status }: ApiObject): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    (listOf(recordOf(status).conditions) as JsonObject[]).some(
      (seen) => seen.type === "Ready" && seen.status === "True",
    )
  );
}

/** The port number. `target` is a number or the name of a container port. */
function targetPort(pod: ApiObject, target: unknown): number | undefined {
  if (typeof target === "number") return target;
  const ports = (listOf(recordOf(pod.spec).containers) as JsonObject[]).flatMap(
    ({ ports }) => listOf(ports) as JsonObject[],
  );
  const named = ports.find(({ name }) => name === target)?.containerPort;
  return typeof named === "number" ? named : undefined;
}
