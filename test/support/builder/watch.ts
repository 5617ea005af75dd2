import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Watch } from "../../../src/kube/reconcile.ts";

/** The keys that the watches enqueue from now on. */
export function connect(watches: Watch[]): string[] {
  const seen: string[] = [];
  for (const watch of watches) watch.connect((key) => void seen.push(key), new AbortController().signal);
  return seen;
}
export const object = (kind: string, name: string, labels?: Record<string, string>): KubernetesObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name, ...(labels === undefined ? {} : { labels }) },
});
/** The object with another generation, as after a change of its spec. */
export const later = <T extends KubernetesObject>(before: T): T => ({
  ...before,
  metadata: { ...before.metadata, generation: 9 },
});

export const environmentLabels = (organization: string, environment: string) => ({
  "catalyst.openova.io/organization": organization,
  "catalyst.openova.io/environment": environment,
});
