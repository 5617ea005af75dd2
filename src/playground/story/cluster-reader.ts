import type { KubernetesObject } from "../../api/object.ts";
import { type ApiConnection, successfulBody } from "./api-connection.ts";
import { collectionPath, type Kind, type ObjectReference, objectPath } from "./cluster-object.ts";
import { UnmetExpectation } from "./expectation.ts";

export interface StatusCondition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

/** Reads from the API server as an administrator. */
export interface ClusterReader {
  get<T = KubernetesObject>(reference: ObjectReference): Promise<T | undefined>;
  /** As `get`; throws when the object does not exist. */
  mustGet<T = KubernetesObject>(reference: ObjectReference): Promise<T>;
  list(kind: Kind, namespace?: string, labelSelector?: string): Promise<KubernetesObject[]>;
  /** Empty when the object does not exist or has no conditions. */
  conditionsOf(reference: ObjectReference): Promise<StatusCondition[]>;
  /** Each form of the object after this resourceVersion, for at most `timeoutSeconds`. None is missed. */
  changesOf(
    reference: ObjectReference,
    options: { since: string; timeoutSeconds: number; signal: AbortSignal },
  ): AsyncIterable<KubernetesObject>;
}

export const conditionsIn = (object: KubernetesObject | undefined): StatusCondition[] =>
  (object as { status?: { conditions?: StatusCondition[] } } | undefined)?.status?.conditions ?? [];

export function createClusterReader(connection: ApiConnection): ClusterReader {
  async function get<T>(reference: ObjectReference): Promise<T | undefined> {
    const response = await connection.send({ method: "GET", path: objectPath(reference) });
    return response.status === 404 ? undefined : (successfulBody(response) as T);
  }
  return {
    get,
    async mustGet<T>(reference: ObjectReference) {
      const object = await get<T>(reference);
      if (object === undefined)
        throw new UnmetExpectation(`${reference.kind} ${reference.name} does not exist`);
      return object;
    },
    async list(kind, namespace, labelSelector = "") {
      const path = `${collectionPath(kind, namespace)}?labelSelector=${encodeURIComponent(labelSelector)}`;
      const body = successfulBody(await connection.send({ method: "GET", path }));
      return (body as { items: KubernetesObject[] }).items;
    },
    conditionsOf: async (reference) => conditionsIn(await get(reference)),
    async *changesOf({ kind, name, namespace }, { since, timeoutSeconds, signal }) {
      const query = new URLSearchParams({
        ...{ watch: "true", fieldSelector: `metadata.name=${name}` },
        ...{ resourceVersion: since, timeoutSeconds: String(timeoutSeconds) },
      });
      for await (const { type, object } of connection.watch(
        `${collectionPath(kind, namespace)}?${query}`,
        signal,
      )) {
        if (type === "ERROR")
          throw new UnmetExpectation(`the watch of ${kind} ${name} ended: ${JSON.stringify(object)}`);
        yield object;
      }
    },
  };
}
