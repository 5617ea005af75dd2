import type { KubernetesObject } from "../api/object.ts";

/** Whether `a` is an older version of `b`. Kubernetes guarantees since 1.35 that versions of an object grow; they always did. */
export function isOlder(a: KubernetesObject, b: KubernetesObject): boolean {
  return a.metadata.uid === b.metadata.uid && versionOf(a) < versionOf(b);
}

function versionOf({ metadata }: KubernetesObject): bigint {
  return BigInt(/^\d+$/.exec(metadata.resourceVersion ?? "")?.[0] ?? 0);
}
