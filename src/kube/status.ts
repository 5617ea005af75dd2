import type { CatalystObject, KubernetesObject } from "../api/object.ts";
import { canonicalJson } from "../platform/canonical-json.ts";
import type { KubeClient } from "./client.ts";
import type { Resource } from "./resource.ts";

/**
 * Writes the whole status by server-side apply, so that what is left out goes away; writes nothing when `object` says
 * it already. `object` is from a cache and is not changed.
 */
export async function writeStatus<Spec, Status extends object>(
  deps: { client: KubeClient; fieldManager: string },
  resource: Resource,
  object: CatalystObject<Spec, Status>,
  status: Status,
): Promise<void> {
  // As JSON: a member that is undefined never reaches the server.
  if (object.status !== undefined && canonicalJson(object.status) === canonicalJson(status)) return;
  const { apiVersion, kind, metadata } = object;
  const { name, namespace } = metadata;
  const patch = {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    status,
  };
  await deps.client.apply<KubernetesObject>(resource, patch, {
    fieldManager: deps.fieldManager,
    subresource: "status",
  });
}
