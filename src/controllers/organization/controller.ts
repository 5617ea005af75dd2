import { LABEL } from "../../api/label.ts";
import { organizationNamespace } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { ORGANIZATION, type Organization } from "../../api/organization.ts";
import type { Applier } from "../../kube/apply.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import {
  isRequestChanged,
  type Outcome,
  type Watch,
  watchInformer,
  watchPrimary,
} from "../../kube/reconcile.ts";
import { keyOf, resourceOf } from "../../kube/resource.ts";
import { createStatusWriter } from "../../kube/status.ts";
import { desiredObjects } from "./desired.ts";
import { desiredStatus } from "./status.ts";

export interface OrganizationDeps {
  client: KubeClient;
  applier: Applier;
  fieldManager: string;
  organizations: Informer<Organization>;
  namespaces: Informer<KubernetesObject>;
  roleBindings: Informer<KubernetesObject>;
  now: () => Date;
}

/** Gives an Organization its home. A deleted one keeps its namespaces: they hold what the tenant made. */
export function createOrganizationReconciler(deps: OrganizationDeps) {
  const { organizations, namespaces, roleBindings, applier, now } = deps;
  const statuses = createStatusWriter<Organization>(deps, resourceOf(ORGANIZATION));
  return async function reconcile(key: string): Promise<Outcome> {
    const cached = organizations.get(key);
    if (cached === undefined || cached.metadata.deletionTimestamp !== undefined) {
      statuses.forget(key);
      applier.forget(({ metadata }) => metadata.labels?.[LABEL.organization] === key);
      return { kind: "done" };
    }
    const organization = statuses.newest(cached);
    const home = organizationNamespace(key);
    const owner = namespaces.get(home)?.metadata.labels?.[LABEL.organization];
    const isForeign = namespaces.get(home) !== undefined && owner !== key;
    const problem = isForeign
      ? `namespace ${home} exists and is not this Organization's: label it ${LABEL.organization}=${key}, or rename the Organization`
      : undefined;
    if (problem === undefined) {
      for (const desired of desiredObjects(organization)) {
        const cache = desired.kind === "Namespace" ? namespaces : roleBindings;
        await applier.apply(desired, cache.get(keyOf(desired.metadata)));
      }
    }
    const own = namespaces
      .list()
      .filter(({ metadata }) => metadata.labels?.[LABEL.organization] === key)
      .map(({ metadata }) => metadata.name);
    const observed = { namespaces: problem === undefined ? [...new Set([home, ...own])] : own, problem };
    await statuses.write(organization, desiredStatus(organization, observed, now().toISOString()));
    return problem === undefined
      ? { kind: "done" }
      : { kind: "stalled", reason: "NamespaceNotOurs", message: problem };
  };
}

export function organizationWatches({ organizations, namespaces, roleBindings }: OrganizationDeps): Watch[] {
  const labelled = ({ metadata }: KubernetesObject) => {
    const name = metadata.labels?.[LABEL.organization];
    return name === undefined ? [] : [name];
  };
  return [
    watchPrimary(organizations, isRequestChanged),
    watchInformer(namespaces, labelled),
    watchInformer(roleBindings, labelled),
  ];
}
