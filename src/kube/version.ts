import type { KubernetesObject } from "../api/object.ts";

/**
 * Whether `a` is an older version of the same object as `b`. Kubernetes has guaranteed since 1.35 that an object's versions
 * grow. Earlier releases behave the same.
 */
export function isOlder(a: KubernetesObject, b: KubernetesObject): boolean {
  return a.metadata.uid === b.metadata.uid && versionOf(a) < versionOf(b);
}

function versionOf({ metadata }: KubernetesObject): bigint {
  return BigInt(/^\d+$/.exec(metadata.resourceVersion ?? "")?.[0] ?? 0);
}
