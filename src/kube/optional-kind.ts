import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient, ListOptions } from "./client.ts";
import { isNotFound } from "./error.ts";
import type { Resource } from "./resource.ts";

/**
 * Lists objects of a kind that a cluster may lack, such as a kind of Flux. Returns undefined when the API server does not
 * serve it.
 */
export async function listIfServed<T extends KubernetesObject>(
  client: Pick<KubeClient, "list">,
  resource: Resource,
  options?: ListOptions,
): Promise<T[] | undefined> {
  return ifServed(async () => (await client.list<T>(resource, options)).items);
}

/** Lists like `listPages`. Never calls `onPage` when the API server does not serve the kind. */
export async function listPagesIfServed<T extends KubernetesObject>(
  client: Pick<KubeClient, "listPages">,
  resource: Resource,
  onPage: (items: T[], isFirst: boolean) => void,
): Promise<void> {
  await ifServed(() => client.listPages<T>(resource, {}, onPage));
}

async function ifServed<T>(list: () => Promise<T>): Promise<T | undefined> {
  try {
    return await list();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
