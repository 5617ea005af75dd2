import type { Franchise } from "../api/franchise.ts";
import type { Organization } from "../api/organization.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import {
  type AccountFacts,
  type AccountSet,
  accountNamespaces,
  accountsIn,
  EVERY,
  isEmptyAccountSet,
  subjectsOf,
} from "./rules/account.ts";
import type { ClusterFacts } from "./rules/fact.ts";
import { isAnyOf } from "./rules/identity.ts";
import { isNewGrant, roleRefOf } from "./rules/rbac-escalation.ts";
import { effectiveRules, isAggregated, type PolicyRule, type RoleObject } from "./rules/rbac-grant.ts";
import type { AdmissionInput } from "./rules/request.ts";
import { accountOfPod, isPodConnection } from "./rules/service-account.ts";

/** Reads from the API server. Only requests in a namespace that has an account of others cause them. */
export interface AccountReads {
  /** Undefined: the Pod does not exist. */
  readPod(namespace: string, name: string): Promise<{ spec?: unknown } | undefined>;
  /** Undefined: the role does not exist. */
  readRole(namespace: string, name: string): Promise<RoleObject | undefined>;
  readClusterRole(name: string): Promise<RoleObject | undefined>;
  readClusterRoles(): Promise<readonly RoleObject[]>;
}

/**
 * The accounts of the request's namespace that act for a Franchise or an Organization that the requester does not belong
 * to. An account of a Franchise counts before and after its term too, because a token that is taken before the term is
 * still valid during it. The account of two parties is only for a requester who belongs to both.
 */
export function foreignAccounts(
  { namespace, user }: AdmissionInput,
  known: {
    franchises: readonly Franchise[];
    /** The Organizations with an account in the namespace. */
    organizations: readonly Organization[];
    memberOf: ReadonlySet<string>;
  },
): AccountSet {
  const keys = accountIndexKeys(namespace);
  const franchises = known.franchises.filter(
    (franchise) => hasAccountIn(franchise, keys) && !isAnyOf(user, franchise.spec.subjects),
  );
  const organizations = known.organizations.filter(({ metadata }) => !known.memberOf.has(metadata.name));
  return accountsIn(namespace, [
    ...franchises.flatMap(({ spec }) => spec.subjects),
    ...organizations.flatMap(subjectsOf),
  ]);
}

/** The namespaces of each Franchise's accounts. A cached object is never changed in place, so an entry stays correct. */
const namespacesByFranchise = new WeakMap<Franchise, readonly string[]>();

function hasAccountIn(franchise: Franchise, keys: readonly string[]): boolean {
  let namespaces = namespacesByFranchise.get(franchise);
  if (namespaces === undefined) {
    namespaces = accountNamespaces(franchise.spec.subjects);
    namespacesByFranchise.set(franchise, namespaces);
  }
  for (const namespace of namespaces) if (keys.includes(namespace)) return true;
  return false;
}

/** The keys of the index `accountNamespace` under which the Organizations with an account in a namespace are found. */
export const accountIndexKeys = (namespace: string): string[] => [namespace, EVERY];

type LiveFacts = Pick<ClusterFacts, "boundRules"> & Pick<AccountFacts, "connectedAccount">;

/**
 * Reads what no cache holds: the role that a RoleBinding names, and the Pod that a request connects to. Few namespaces need
 * either, so a cache of all Pods or roles would waste memory.
 */
export function createAccountReader(reads: AccountReads) {
  // All requests need the same list, so those that arrive together share one read.
  const readClusterRoles = createSingleFlight(() => reads.readClusterRoles());

  async function readRules(input: AdmissionInput): Promise<readonly PolicyRule[] | undefined> {
    const { kind, name } = roleRefOf(input.object ?? {});
    const role =
      kind === "ClusterRole"
        ? await reads.readClusterRole(name)
        : await reads.readRole(input.namespace, name);
    return role && effectiveRules(role, isAggregated(role) ? await readClusterRoles() : []);
  }

  return async function readAccountFacts(
    input: AdmissionInput,
    accounts: () => AccountSet,
  ): Promise<LiveFacts> {
    const nothing = { boundRules: undefined, connectedAccount: undefined };
    const [grant, connection] = [isNewGrant(input), isPodConnection(input)];
    if ((!grant && !connection) || isEmptyAccountSet(accounts())) return nothing;
    if (grant) return { ...nothing, boundRules: await readRules(input) };
    const pod = await reads.readPod(input.namespace, input.name);
    const spec = pod?.spec as Record<string, unknown> | undefined;
    return { ...nothing, connectedAccount: spec && accountOfPod(spec) };
  };
}
