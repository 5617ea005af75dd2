import type { KindDefinition } from "../api/kind.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { listIfServed } from "../kube/optional-kind.ts";
import { resourceOf } from "../kube/resource.ts";
import { nearest } from "./nearest.ts";

type Reader = Pick<KubeClient, "get" | "list">;

/** Reads the object that a person named. Throws an `Error` that says why it cannot be read. */
export async function readNamed<T extends KubernetesObject>(
  client: Reader,
  definition: KindDefinition,
  name: string,
): Promise<T> {
  const object = await client.get<T>(resourceOf(definition), { name });
  if (object !== undefined) return object;
  const names = await namesOf(client, definition);
  if (names === undefined) throw notServed(definition);
  const near = nearest(name, names);
  throw new Error(
    `${definition.kind} ${name} does not exist${near === undefined ? "" : `: did you mean ${near}?`}`,
  );
}

/** Lists all objects of the kind. Throws an `Error` where the operator is not installed. */
export async function listAll<T extends KubernetesObject>(
  client: Reader,
  definition: KindDefinition,
): Promise<T[]> {
  const objects = await listIfServed<T>(client, resourceOf(definition));
  if (objects === undefined) throw notServed(definition);
  return objects;
}

/** Undefined if the API server does not serve the kind. Empty if the person may not list it. */
async function namesOf(client: Reader, definition: KindDefinition): Promise<string[] | undefined> {
  try {
    const objects = await listIfServed(client, resourceOf(definition), { metadataOnly: true });
    return objects?.map(({ metadata }) => metadata.name);
  } catch {
    return [];
  }
}

const notServed = ({ kind }: KindDefinition): Error =>
  new Error(
    `the cluster does not serve ${kind}, so the operator is not installed: install it, or choose another cluster with --kubeconfig or --context`,
  );
