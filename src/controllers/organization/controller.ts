import type { IdentityLists } from "../../admission/rules/identity.ts";
import { LABEL } from "../../api/label.ts";
import { organizationNamespace } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { ORGANIZATION, type Organization } from "../../api/organization.ts";
import type { Applier } from "../../kube/apply.ts";
import { contentOf } from "../../kube/apply-memory.ts";
import type { Informer } from "../../kube/informer.ts";
import {
  isRequestChanged,
  type Outcome,
  type Watch,
  watchInformer,
  watchPrimary,
} from "../../kube/reconcile.ts";
import { applyOwned } from "../owned-object.ts";
import { createStatusReconciler, type StatusReconcilerDeps } from "../status-reconciler.ts";
import { desiredHome } from "./desired-home.ts";
import { desiredStatus, type SubscriptionStanding, type UnknownSubscription } from "./status.ts";

export type { SubscriptionStanding, UnknownSubscription } from "./status.ts";

/** When to look again whether the last reading of a subscription is outdated. */
const RELOOK_MS = 3_600_000;

/** The state of each tenant's subscription, as read from the billing database of the Organization's Sovereign. */
export interface SubscriptionStandings extends Watch {
  /** Undefined until this process has read it. */
  standingOf(organization: Organization): SubscriptionStanding | UnknownSubscription | undefined;
}

export interface OrganizationDeps extends StatusReconcilerDeps {
  applier: Applier;
  organizations: Informer<Organization>;
  namespaces: Informer<KubernetesObject>;
  /** The caches of the kinds that a home contains. */
  homes: readonly Informer<KubernetesObject>[];
  subscriptions: SubscriptionStandings;
  lists: Pick<IdentityLists, "platformNamespaces" | "controllerNamespaces">;
}

/** Gives an Organization its home. A deleted Organization keeps its namespaces: they hold the tenant's own objects. */
export function createOrganizationReconciler(deps: OrganizationDeps) {
  return createStatusReconciler<Organization>(deps, {
    kind: ORGANIZATION,
    objects: deps.organizations,
    isGone: ({ metadata }) => metadata.deletionTimestamp !== undefined,
    forget: (key) => deps.applier.forget(({ metadata }) => metadata.labels?.[LABEL.organization] === key),
    async desiredReport(organization, at) {
      const { name } = organization.metadata;
      const home = organizationNamespace(name);
      const problem = findForeignHome(deps, name);
      if (problem === undefined) await applyHome(deps, organization);
      const labelled = deps.namespaces
        .list()
        .filter(({ metadata }) => metadata.labels?.[LABEL.organization] === name)
        .map(({ metadata }) => metadata.name);
      // The cache may not have a new home yet.
      const namespaces = problem === undefined ? [...new Set([home, ...labelled])] : labelled;
      const observed = { namespaces, problem, subscription: deps.subscriptions.standingOf(organization) };
      const outcome: Outcome =
        problem === undefined
          ? { kind: "done", ...relook(organization) }
          : { kind: "stalled", reason: "NamespaceNotOurs", message: problem };
      return { status: desiredStatus(organization, observed, at.toISOString()), outcome };
    },
  });
}

/** Spread over time, because many Organizations are reconciled together at the start. */
const relook = ({ spec }: Organization) =>
  spec.order === undefined ? {} : { requeueAfterMs: RELOOK_MS * (0.5 + Math.random() / 2) };

/** Why the home namespace is not this Organization's; undefined when it does not exist or carries its label. */
function findForeignHome({ namespaces }: OrganizationDeps, name: string): string | undefined {
  const home = organizationNamespace(name);
  const live = namespaces.get(home);
  if (live === undefined || live.metadata.labels?.[LABEL.organization] === name) return undefined;
  return (
    `namespace ${home} exists but does not belong to this Organization: ` +
    `label it ${LABEL.organization}=${name}, or create the Organization under another name`
  );
}

async function applyHome(deps: OrganizationDeps, organization: Organization): Promise<void> {
  const { platformNamespaces, controllerNamespaces } = deps.lists;
  const trusted = [...platformNamespaces, ...controllerNamespaces];
  const desired = desiredHome(organization, trusted);
  await applyOwned(deps, organization, desired, [deps.namespaces, ...deps.homes]);
}

const HOME_PREFIX = organizationNamespace("");

/** Ignores the status, because a quota's status changes with each Pod. */
const isContentChanged = (before: KubernetesObject, after: KubernetesObject): boolean =>
  contentOf(before) !== contentOf(after);

export function organizationWatches({
  organizations,
  namespaces,
  homes,
  subscriptions,
}: OrganizationDeps): Watch[] {
  const labelled = ({ metadata }: KubernetesObject) => {
    const name = metadata.labels?.[LABEL.organization];
    return name === undefined ? [] : [name];
  };
  /**
   * Also for a namespace without the label: an Organization whose home belongs to others is stalled until that namespace
   * changes.
   */
  const homeOf = ({ metadata }: KubernetesObject) =>
    metadata.name.startsWith(HOME_PREFIX) ? [metadata.name.slice(HOME_PREFIX.length)] : [];
  return [
    watchPrimary(organizations, isRequestChanged),
    watchInformer(namespaces, (namespace) => [...labelled(namespace), ...homeOf(namespace)]),
    subscriptions,
    ...homes.map((cache) => watchInformer(cache, labelled, isContentChanged)),
  ];
}
