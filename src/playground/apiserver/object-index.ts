import type { ApiObject } from "./object.ts";

/** Objects of one storage by namespace and name, so that a list of one namespace does not read the others. */
export interface ObjectIndex {
  get(namespace: string, name: string): ApiObject | undefined;
  put(object: ApiObject): void;
  delete(namespace: string, name: string): void;
  /** In no particular order. An empty namespace means all objects; a cluster-scoped object has none. */
  list(namespace: string): Iterable<ApiObject>;
}

export function createObjectIndex(): ObjectIndex {
  const namespaces = new Map<string, Map<string, ApiObject>>();

  function* all(): Iterable<ApiObject> {
    for (const objects of namespaces.values()) yield* objects.values();
  }

  return {
    get: (namespace, name) => namespaces.get(namespace)?.get(name),
    put(object) {
      const { namespace = "", name } = object.metadata;
      const objects = namespaces.get(namespace);
      if (objects === undefined) namespaces.set(namespace, new Map([[name, object]]));
      else objects.set(name, object);
    },
    delete(namespace, name) {
      const objects = namespaces.get(namespace);
      objects?.delete(name);
      if (objects?.size === 0) namespaces.delete(namespace);
    },
    list: (namespace) => (namespace === "" ? all() : (namespaces.get(namespace)?.values() ?? [])),
  };
}
