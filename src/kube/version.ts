import type { KubernetesObject } from "../api/object.ts";

/** Of one object, the greater resourceVersion is the later: Kubernetes has promised so since 1.35, and it always held. */
export function isOlder(a: KubernetesObject, b: KubernetesObject): boolean {
  return a.metadata.uid === b.metadata.uid && versionOf(a) < versionOf(b);
}

function versionOf({ metadata }: KubernetesObject): bigint {
  return BigInt(/^\d+$/.exec(metadata.resourceVersion ?? "")?.[0] ?? 0);
}
