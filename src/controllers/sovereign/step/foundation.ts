import type { KubernetesObject } from "../../../api/object.ts";
import type { ReconcileContext } from "../context.ts";
import { desiredNamespace, desiredServiceAccounts } from "../desired-metadata.ts";
import { applyManaged } from "../managed-object.ts";

/** Applies the namespace and its service accounts, and returns them. */
export async function applyFoundation(context: ReconcileContext): Promise<KubernetesObject[]> {
  const { sovereign } = context;
  const objects = [desiredNamespace(sovereign), ...desiredServiceAccounts(sovereign)];
  for (const object of objects) await applyManaged(context, object);
  return objects;
}
