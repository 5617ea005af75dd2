import type { Blueprint } from "../api/blueprint.ts";
import type { Franchise } from "../api/franchise.ts";
import { LABEL } from "../api/label.ts";
import type { Organization } from "../api/organization.ts";
import type { Sovereign } from "../api/sovereign.ts";
import { isInTerm } from "../api/term.ts";
import { type AccountReads, accountIndexKeys, createAccountReader, foreignAccounts } from "./account-fact.ts";
import { type AddressReads, createAddressReader } from "./address-fact.ts";
import { type AccountSet, accountNamespaces, subjectsOf } from "./rules/account.ts";
import { isPrivateBlueprint } from "./rules/blueprint.ts";
import type { ClusterFacts } from "./rules/fact.ts";
import {
  type Identity,
  type IdentityLists,
  identityOf,
  isExempt,
  serviceAccountOf,
} from "./rules/identity.ts";
import { chartSourceName } from "./rules/install-source.ts";
import {
  isForeignNamespace,
  isNamespaceObject,
  type Place,
  placeOf,
  placeOfNamespace,
  selectionOf,
} from "./rules/place.ts";
import type { AdmissionInput, ReviewedObject } from "./rules/request.ts";
import { namesByHost } from "./rules/sovereign-host.ts";

type Labels = Readonly<Record<string, string>>;

/**
 * Lookups of cluster state. Those whose names begin with `read` send a request to the API server. All others read a cache.
 */
export interface ClusterLookups extends AccountReads, AddressReads {
  franchises(): readonly Franchise[];
  organization(name: string): Organization | undefined;
  /** The Organizations that an index entry of `ORGANIZATION_INDEXES` lists. */
  organizationsBy(index: keyof typeof ORGANIZATION_INDEXES, key: string): readonly Organization[];
  sovereigns(): readonly Sovereign[];
  blueprints(): readonly Blueprint[];
  /** Undefined: the cache does not have the namespace. */
  namespaceLabels(name: string): Labels | undefined;
  /** Asks the API server, because the cache lags. Undefined: the namespace does not exist. */
  readNamespaceLabels(name: string): Promise<Labels | undefined>;
  /** Asks the API server. Undefined: there is none. */
  readOciRepository(key: { namespace: string; name: string }): Promise<ReviewedObject | undefined>;
}

/** Indexes that find the Organizations of a request without reading all of them. */
export const ORGANIZATION_INDEXES = {
  /** `User:<name>`, `Group:<name>` or `ServiceAccount:<namespace>:<name>` of the owner and the members. */
  member: ({ spec }: Organization): string[] => [
    `User:${spec.owner}`,
    ...(spec.members ?? []).map(({ kind, name, namespace }) =>
      kind === "ServiceAccount" ? `${kind}:${namespace}:${name}` : `${kind}:${name}`,
    ),
  ],
  /** The namespaces of the ServiceAccounts among the owner and the members; `*` for all namespaces. */
  accountNamespace: (organization: Organization): string[] => accountNamespaces(subjectsOf(organization)),
};

/** The signal fires when the review is too late. Reads that wait then do not start. */
export type FactCollector = (input: AdmissionInput, signal?: () => AbortSignal) => Promise<ClusterFacts>;

/**
 * Collects the facts that the rules need. Facts that need a whole list of the cluster are computed when a rule reads them:
 * most requests need none, and a fleet has thousands of Organizations.
 */
export function createFactCollector(deps: {
  lookups: ClusterLookups;
  lists: IdentityLists;
  inlineDrivers: readonly string[];
  now: () => Date;
}): FactCollector {
  const { lookups, lists, inlineDrivers, now } = deps;
  const organizations = { has: (name: string) => lookups.organization(name) !== undefined };
  const readAccountFacts = createAccountReader(lookups);
  const readTakenAddresses = createAddressReader(lookups);

  /**
   * The labels of the request's namespace, which decide whom it belongs to. The cache may lag: it may lack a namespace that
   * was created a moment ago, or hold labels for which the API server would have called another webhook. In both cases the
   * labels are read from the API server.
   */
  async function labelsOf(input: AdmissionInput): Promise<Labels | undefined> {
    const { namespace, selected } = input;
    if (namespace === "" || isNamespaceObject(input)) return {};
    const cached = lookups.namespaceLabels(namespace);
    const isCurrent =
      cached !== undefined && (selected === undefined || selectionOf(namespace, cached, lists) === selected);
    return isCurrent ? cached : await lookups.readNamespaceLabels(namespace);
  }

  function membershipsOf({ user }: AdmissionInput): ReadonlySet<string> {
    const account = serviceAccountOf(user);
    const keys = [
      `User:${user.username}`,
      ...user.groups.map((group) => `Group:${group}`),
      ...(account === undefined ? [] : [`ServiceAccount:${account.namespace}:${account.name}`]),
    ];
    const names = keys
      .flatMap((key) => lookups.organizationsBy("member", key))
      .map(({ metadata }) => metadata.name);
    const home =
      account === undefined ? undefined : lookups.namespaceLabels(account.namespace)?.[LABEL.organization];
    return new Set(home === undefined ? names : [...names, home]);
  }

  const isForeign = (name: string, memberOf: () => ReadonlySet<string>): boolean =>
    isForeignNamespace(name, placeOfNamespace(name, lookups.namespaceLabels(name), lists), {
      isMember: (organization) => memberOf().has(organization),
      ...{ organizations, lists },
    });

  function accountsOf(input: AdmissionInput, memberOf: ReadonlySet<string>): AccountSet {
    const keys = accountIndexKeys(input.namespace);
    return foreignAccounts(input, {
      franchises: lookups.franchises(),
      organizations: keys.flatMap((key) => lookups.organizationsBy("accountNamespace", key)),
      memberOf,
    });
  }

  /** Whether the requester works in the place. Elsewhere the place rule denies, so no further facts need to be read. */
  function worksIn(place: Place, memberOf: () => ReadonlySet<string>): boolean {
    if ("organization" in place) return memberOf().has(place.organization);
    return place.kind === "ordinary";
  }

  return async function collectFacts(input, signal) {
    const nowMs = now().getTime();
    const isRunning = (franchise: Franchise) => isInTerm(franchise, nowMs);
    const identity = identityOf(input.user, { franchises: lookups.franchises(), isRunning }, lists);
    const place = placeOf(input, await labelsOf(input), lists);
    const chart = chartSourceName(input);
    const chartSource =
      chart === undefined || isExempt(identity)
        ? undefined
        : await lookups.readOciRepository({ namespace: input.namespace, name: chart });
    const memberOf = once(() => membershipsOf(input));
    const foreignAccounts = once(() => accountsOf(input, memberOf()));
    const isForeignToRequester = (name: string) => name !== input.namespace && isForeign(name, memberOf);
    const own = identity.kind === "franchisee" ? identity.franchises : [];
    return new RequestFacts(
      {
        ...{ identity, place, lists, inlineDrivers, chartSource, organizations },
        isForeignNamespace: isForeignToRequester,
        ...(await readAccountFacts(input, () => (worksIn(place, memberOf) ? foreignAccounts() : new Set()))),
        takenAddresses:
          worksIn(place, memberOf) || isWorkOfController(place, identity)
            ? await readTakenAddresses(
                input,
                { identity, place, isForeignNamespace: isForeignToRequester },
                signal,
              )
            : NO_ADDRESSES,
      },
      {
        ...{ memberOf, foreignAccounts },
        privateBlueprints: () => lookups.blueprints().filter(isPrivateBlueprint),
        sovereignHosts: () => namesByHost(lookups.sovereigns()),
        signers: () => [...own, ...signersFor(place, lookups, isRunning)],
      },
    );
  };
}

type LateFact = "memberOf" | "foreignAccounts" | "privateBlueprints" | "sovereignHosts" | "signers";

/**
 * The facts of one request. The getters belong to a class, because V8 makes a map for each evaluation of an object literal
 * with getters. Such a map outlives the request, and kept every reviewed object in memory until the next full garbage
 * collection.
 */
class RequestFacts implements ClusterFacts {
  readonly identity: ClusterFacts["identity"];
  readonly place: ClusterFacts["place"];
  readonly lists: ClusterFacts["lists"];
  readonly inlineDrivers: ClusterFacts["inlineDrivers"];
  readonly chartSource: ClusterFacts["chartSource"];
  readonly organizations: ClusterFacts["organizations"];
  readonly boundRules: ClusterFacts["boundRules"];
  readonly connectedAccount: ClusterFacts["connectedAccount"];
  readonly isForeignNamespace: ClusterFacts["isForeignNamespace"];
  readonly takenAddresses: ClusterFacts["takenAddresses"];
  readonly #late: { [Fact in LateFact]: () => ClusterFacts[Fact] };

  constructor(known: Omit<ClusterFacts, LateFact>, late: { [Fact in LateFact]: () => ClusterFacts[Fact] }) {
    this.identity = known.identity;
    this.place = known.place;
    this.lists = known.lists;
    this.inlineDrivers = known.inlineDrivers;
    this.chartSource = known.chartSource;
    this.organizations = known.organizations;
    this.boundRules = known.boundRules;
    this.connectedAccount = known.connectedAccount;
    this.isForeignNamespace = known.isForeignNamespace;
    this.takenAddresses = known.takenAddresses;
    this.#late = late;
  }

  get memberOf() {
    return this.#late.memberOf();
  }
  get foreignAccounts() {
    return this.#late.foreignAccounts();
  }
  get privateBlueprints() {
    return this.#late.privateBlueprints();
  }
  get sovereignHosts() {
    return this.#late.sovereignHosts();
  }
  get signers() {
    return this.#late.signers();
  }
}

/** Whether a listed controller works for those to whom the place belongs. */
const isWorkOfController = (place: Place, identity: Identity): boolean =>
  identity.kind === "controller" && ("organization" in place || place.kind === "sovereign");

const NO_ADDRESSES: ReadonlySet<string> = new Set();

/** Computes a fact once, although several rules read it. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** In an Organization's namespaces: the Franchise of the Sovereign that the Organization is on. */
function signersFor(
  place: Place,
  { organization, sovereigns, franchises }: ClusterLookups,
  isRunning: (franchise: Franchise) => boolean,
): Franchise[] {
  if (!("organization" in place)) return [];
  const name = organization(place.organization)?.spec.sovereign;
  const sovereign = sovereigns().find(({ metadata }) => metadata.name === name);
  return franchises().filter((it) => it.metadata.name === sovereign?.spec.franchise && isRunning(it));
}
