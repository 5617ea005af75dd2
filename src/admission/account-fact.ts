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

/** Reads of the API server. They happen for requests in a namespace that has an account of others, and for no others. */
export interface AccountReads {
  /** Undefined: the Pod does not exist. */
  readPod(namespace: string, name: string): Promise<{ spec?: unknown } | undefined>;
  /** Undefined: the role does not exist. */
  readRole(namespace: string, name: string): Promise<RoleObject | undefined>;
  readClusterRole(name: string): Promise<RoleObject | undefined>;
  readClusterRoles(): Promise<readonly RoleObject[]>;
}

/**
 * The accounts of the request's namespace that act for others. The account of a Franchise counts before and after its term
 * too: a token that someone takes early is valid later. An account of two parties is for those who belong to both.
 */
export function foreignAccounts(
  { namespace, user }: AdmissionInput,
  known: {
    franchises: readonly Franchise[];
    /** Those with an account in the namespace. */
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

/** The namespaces of a Franchise's accounts while it lives. Most have none. Nothing changes the objects of a cache. */
const found = new WeakMap<Franchise, readonly string[]>();

function hasAccountIn(franchise: Franchise, keys: readonly string[]): boolean {
  let namespaces = found.get(franchise);
  if (namespaces === undefined) {
    namespaces = accountNamespaces(franchise.spec.subjects);
    found.set(franchise, namespaces);
  }
  for (const namespace of namespaces) if (keys.includes(namespace)) return true;
  return false;
}

/** The keys of the index `accountNamespace` under which the Organizations with an account in a namespace are found. */
export const accountIndexKeys = (namespace: string): string[] => [namespace, EVERY];

type LiveFacts = Pick<ClusterFacts, "boundRules"> & Pick<AccountFacts, "connectedAccount">;

/**
 * Reads what no cache has: the role that a RoleBinding names, and the Pod that a request connects to. A cache of all Pods or
 * roles would cost memory for the few namespaces where it matters.
 */
export function createAccountReader(reads: AccountReads) {
  // The list is the same for all, and a flood of bindings must not become a flood of lists.
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
