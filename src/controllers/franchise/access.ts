import { FRANCHISE, type Franchise } from "../../api/franchise.ts";
import { LABEL } from "../../api/label.ts";
import { CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Applier } from "../../kube/apply.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Watch, watchInformer } from "../../kube/reconcile.ts";
import { applyOwned } from "../owned-object.ts";
import { OWNER_INDEX, ownerNames } from "../owner-reference.ts";
import { namespaceOf } from "../sovereign/desired-metadata.ts";
import { type AccessScope, accessName, desiredAccess } from "./desired-access.ts";

export interface AccessDeps {
  applier: Applier;
  events: EventRecorder;
  sovereigns: Informer<Sovereign>;
  namespaces: Informer<KubernetesObject>;
  clusterRoles: Informer<KubernetesObject>;
  clusterRoleBindings: Informer<KubernetesObject>;
  /** Indexed by `OWNER_INDEX`. */
  roleBindings: Informer<KubernetesObject>;
}

const CATALOGS = [CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE];

/** Gives the Franchisee its rights while the term runs, and removes them otherwise. Returns the scope of the rights. */
export async function reconcileAccess(
  deps: AccessDeps,
  franchise: Franchise,
  { isInTerm, sovereigns }: { isInTerm: boolean; sovereigns: readonly Sovereign[] },
): Promise<AccessScope> {
  const scope = scopeOf(deps, sovereigns);
  const desired = isInTerm ? desiredAccess(franchise, scope) : [];
  // Removed rights go first, because an error during a new grant must not keep them.
  await deps.applier.prune(desired, grantedObjects(deps, franchise));
  await applyOwned(deps, franchise, desired, accessCaches(deps));
  return scope;
}

/**
 * The local Sovereigns and their namespaces. A Sovereign with its own cluster has its namespace there, and the operator
 * there gives the rights in it.
 */
function scopeOf({ namespaces }: AccessDeps, sovereigns: readonly Sovereign[]): AccessScope {
  const local = sovereigns.filter(({ spec }) => spec.cluster === undefined);
  const isOf = (name: string, sovereign: Sovereign) =>
    namespaces.get(name)?.metadata.labels?.[LABEL.sovereign] === sovereign.metadata.name;
  const isStaying = (name: string) => {
    const namespace = namespaces.get(name);
    return namespace !== undefined && namespace.metadata.deletionTimestamp === undefined;
  };
  return {
    sovereigns: local.map(({ metadata }) => metadata.name),
    namespaces: [
      ...CATALOGS,
      ...local.flatMap((sovereign) =>
        isOf(namespaceOf(sovereign), sovereign) ? [namespaceOf(sovereign)] : [],
      ),
    ].filter(isStaying),
  };
}

/** The bindings come before the role, so that no binding remains that names a missing role. */
function grantedObjects(deps: AccessDeps, { kind, metadata }: Franchise): KubernetesObject[] {
  const name = accessName(metadata.name);
  const isOwned = (object: KubernetesObject) => ownerNames(kind, object).includes(metadata.name);
  return [
    ...deps.roleBindings.byIndex(OWNER_INDEX, `${kind}/${metadata.name}`),
    ...[deps.clusterRoleBindings.get(name), deps.clusterRoles.get(name)]
      .filter((object) => object !== undefined)
      .filter(isOwned),
  ];
}

const accessCaches = ({ clusterRoles, clusterRoleBindings, roleBindings }: AccessDeps) => [
  clusterRoles,
  clusterRoleBindings,
  roleBindings,
];

/** Reconciles after another writer changed a right, and when a namespace appears or gets another Sovereign's label. */
export function accessWatches(deps: AccessDeps, allFranchises: () => string[]): Watch[] {
  const owners = (object: KubernetesObject) => ownerNames(FRANCHISE.kind, object);
  const franchisesIn = ({ metadata }: KubernetesObject): string[] => {
    if (CATALOGS.includes(metadata.name)) return allFranchises();
    const franchise = deps.sovereigns.get(metadata.labels?.[LABEL.sovereign] ?? "")?.spec.franchise;
    return franchise === undefined ? [] : [franchise];
  };
  return [
    watchInformer(deps.namespaces, franchisesIn),
    ...accessCaches(deps).map((cache) => watchInformer(cache, owners)),
  ];
}
