import { BOOTSTRAP_CLUSTER_ROLE_BINDINGS, BOOTSTRAP_CLUSTER_ROLES } from "../access/bootstrap-role.ts";
import { builtinResourceTypes } from "../builtin/resource.ts";
import { type ApiObject, copyJson } from "../object.ts";
import type { Store } from "../store.ts";
import { stampCreation } from "../write/metadata.ts";
import { shapeObject } from "../write/shape.ts";
import { prepareCreate } from "../write/strategy.ts";

const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Writes the objects of a new cluster: the four namespaces, and the roles and bindings of Kubernetes. */
export function writeBootstrapObjects(store: Store, now: () => Date): void {
  const types = new Map(builtinResourceTypes().map((type) => [type.kind, type]));

  function ensure(manifest: object): void {
    const object = copyJson(manifest) as ApiObject;
    const type = types.get(object.kind);
    const { name } = object.metadata;
    if (type === undefined || store.get(type.storage, "", name) !== undefined) return;
    stampCreation(object, name, "", now());
    prepareCreate(object, type);
    shapeObject(object, { type, fieldValidation: "Ignore", warn: () => {} });
    store.put(type.storage, object);
  }

  for (const name of NAMESPACES) ensure({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const role of BOOTSTRAP_CLUSTER_ROLES) ensure(role);
  for (const binding of BOOTSTRAP_CLUSTER_ROLE_BINDINGS) ensure(binding);
}
