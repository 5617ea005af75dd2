import type { Problem } from "./change.ts";
import type { GuardFacts } from "./guarded-service.ts";
import { annotationsPath, type FoundPodSpec } from "./pod-template.ts";

/** Annotations of Multus that name networks, each with or without its namespace. */
const NETWORKS = ["k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network"];

const calico = (name: string): string => `cni.projectcalico.org/${name}`;
/** Annotations of Calico that give a Pod an address or a source which its pools do not own. */
const ADDRESSES = ["ipAddrsNoIpam", "floatingIPs", "allowedSourcePrefixes"].map(calico);
/** Calico itself writes these, by the status of the Pod. In a Pod that a user makes, they name what is not its own. */
export const REPORTED_ANNOTATIONS: readonly string[] = ["podIP", "podIPs", "containerID"].map(calico);

/**
 * Annotations that no network plugin writes. A user could add them by the status too, or by a binding, whose annotations the
 * API server copies into the Pod.
 */
export const NETWORK_ANNOTATIONS: readonly string[] = [...NETWORKS, ...ADDRESSES];
const ALL_ANNOTATIONS: readonly string[] = [...NETWORK_ANNOTATIONS, ...REPORTED_ANNOTATIONS];

/** Annotations of a Pod by which the network plugin would give it the network or the address of others. */
export function networkEscapes(
  { path, annotations = {} }: Omit<FoundPodSpec, "spec">,
  facts: GuardFacts,
  judged = ALL_ANNOTATIONS,
): Problem[] {
  return Object.entries(annotations).flatMap(([name, value]) => {
    const isJudged = typeof value === "string" && judged.includes(name);
    const message = isJudged ? problemOf(name, value, facts) : undefined;
    return message === undefined ? [] : [{ path: `${annotationsPath({ path })}[${name}]`, message, value }];
  });
}

/** `name` is one of the annotations above. */
function problemOf(name: string, value: string, facts: GuardFacts): string | undefined {
  if (!NETWORKS.includes(name))
    return "the network plugin would give the Pod an address of others; remove this annotation";
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
