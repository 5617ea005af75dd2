import { LABEL } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { NAMESPACES } from "../../kube/resource.ts";
import type { SovereignDeps } from "./dependency.ts";
import { namespaceOf } from "./desired-metadata.ts";

export type NamespaceClaim =
  /** The API server has no such namespace. */
  | { kind: "absent" }
  /** It carries the Sovereign's label. */
  | { kind: "own" }
  /** Why it is not the Sovereign's: "belongs to …" or "exists already". */
  | { kind: "foreign"; why: string };

/**
 * Finds the owner of the Sovereign's namespace. The operator neither takes over nor empties a namespace of another owner,
 * because it may hold that owner's objects.
 */
export async function findClaim(
  { caches, client }: SovereignDeps,
  sovereign: Sovereign,
): Promise<NamespaceClaim> {
  const name = namespaceOf(sovereign);
  const live = caches.namespaces.get(name) ?? (await client.get<KubernetesObject>(NAMESPACES, { name }));
  if (live === undefined) return { kind: "absent" };
  const why = foreignOwnerOf(live, sovereign);
  return why === undefined ? { kind: "own" } : { kind: "foreign", why };
}

function foreignOwnerOf(live: KubernetesObject, sovereign: Sovereign): string | undefined {
  const { [LABEL.sovereign]: owner, [LABEL.organization]: organization } = live.metadata.labels ?? {};
  // An Organization's namespaces also carry the label of the Sovereign that they are on.
  if (organization !== undefined) return `belongs to Organization ${organization}`;
  if (owner === undefined) return "exists already and has no owner label";
  return owner === sovereign.metadata.name ? undefined : `belongs to Sovereign ${owner}`;
}
