import type { Problem } from "./change.ts";
import type { GuardFacts } from "./guarded-service.ts";
import { annotationsPath, type FoundPodSpec } from "./pod-template.ts";

/** Annotations of Multus that name networks, each with or without its namespace. */
const NETWORKS = ["k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network"];

/**
 * Annotations of Calico that give a Pod an address or a source which its pools do not own. Calico itself writes the first
 * three, by the status of the Pod.
 */
const ADDRESSES =
  /^cni\.projectcalico\.org\/(?:podIPs?|containerID|ipAddrsNoIpam|floatingIPs|allowedSourcePrefixes)$/;

/** Annotations of a Pod by which the network plugin would give it the network or the address of others. */
export function networkEscapes({ path, annotations = {} }: FoundPodSpec, facts: GuardFacts): Problem[] {
  return Object.entries(annotations).flatMap(([name, value]) => {
    const message = typeof value === "string" ? problemOf(name, value, facts) : undefined;
    return message === undefined ? [] : [{ path: `${annotationsPath({ path })}[${name}]`, message, value }];
  });
}

function problemOf(name: string, value: string, facts: GuardFacts): string | undefined {
  if (ADDRESSES.test(name))
    return "the network plugin would give the Pod an address of others; remove this annotation";
  if (!NETWORKS.includes(name)) return undefined;
  return namespacesOf(value).some((namespace) => namespace === "*" || facts.isForeignNamespace(namespace))
    ? "the Pod would join a network in a namespace that is not yours; name a network of your own namespace"
    : undefined;
}

/** The namespaces in `namespace/name@interface, …` or in a list in JSON. `*` when an escape may hide one. */
function namespacesOf(value: string): string[] {
  if (!value.trim().startsWith("["))
    return value
      .split(",")
      .flatMap((item) => (item.includes("/") ? [(item.split("/")[0] ?? "").trim()] : []));
  if (value.includes("\\")) return ["*"];
  return [...value.matchAll(/"namespace"\s*:\s*"([^"]*)"/gi)].map(([, namespace = ""]) => namespace);
}
