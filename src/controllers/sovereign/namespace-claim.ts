import { LABEL } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { NAMESPACES } from "../../kube/resource.ts";
import type { SovereignDeps } from "./dependency.ts";
import { namespaceOf } from "./desired-metadata.ts";

/**
 * Says why the Sovereign's namespace is not its own: "belongs to …" or "exists already". Undefined when the namespace
 * does not exist or carries the Sovereign's label. The operator neither takes over nor empties another owner's
 * namespace: it may hold their objects.
 */
export async function findForeignOwner(
  { caches, client }: SovereignDeps,
  sovereign: Sovereign,
): Promise<string | undefined> {
  const name = namespaceOf(sovereign);
  const live = caches.namespaces.get(name) ?? (await client.get<KubernetesObject>(NAMESPACES, { name }));
  if (live === undefined) return undefined;
  const { [LABEL.sovereign]: owner, [LABEL.organization]: organization } = live.metadata.labels ?? {};
  // An Organization's namespaces also carry the label of the Sovereign that they are on.
  if (organization !== undefined) return `belongs to Organization ${organization}`;
  if (owner === undefined) return "exists already and has no owner label";
  return owner === sovereign.metadata.name ? undefined : `belongs to Sovereign ${owner}`;
}
