import type { Subject } from "../../api/franchise.ts";
import type { Organization } from "../../api/organization.ts";
import { serviceAccountOf } from "./identity.ts";

/** Stands for every namespace, or for every account. */
export const EVERY = "*";

/** ServiceAccounts of one namespace. */
export type AccountSet = ReadonlySet<string> | typeof EVERY;

export const includesAccount = (accounts: AccountSet, account: string): boolean =>
  accounts === EVERY || accounts.has(account);

export const isEmptyAccountSet = (accounts: AccountSet): boolean => accounts !== EVERY && accounts.size === 0;

/** Facts about the ServiceAccounts of the request's namespace. */
export interface AccountFacts {
  /** ServiceAccounts of the namespace that act for a Franchisee or an Organization to which the requester does not belong. */
  foreignAccounts: AccountSet;
  /** The account of the Pod that the request connects to. Undefined: not looked up, or there is no such Pod. */
  connectedAccount: string | undefined;
}

interface AccountPattern {
  /** A name, or `EVERY`. */
  namespace: string;
  account: string;
}

const ACCOUNT_GROUP = /^system:serviceaccounts(?::([^:]+))?$/;

/** The ServiceAccounts that a subject stands for: by kind, by user name, or by a group that Kubernetes gives to accounts. */
function accountsOf({ kind, name, namespace = "" }: Subject): AccountPattern | undefined {
  if (kind === "ServiceAccount") return { namespace, account: name };
  if (kind === "User") {
    const account = serviceAccountOf({ username: name, groups: [] });
    return account && { namespace: account.namespace, account: account.name };
  }
  const group = ACCOUNT_GROUP.exec(name);
  return group === null ? undefined : { namespace: group[1] ?? EVERY, account: EVERY };
}

const patternsOf = (subjects: readonly Subject[]): AccountPattern[] =>
  subjects.flatMap((subject) => accountsOf(subject) ?? []);

/** The subjects of an Organization: its owner and its members. */
export const subjectsOf = ({ spec }: Organization): Subject[] => [
  { kind: "User", name: spec.owner },
  ...(spec.members ?? []),
];

/** The namespaces whose ServiceAccounts are among the subjects; `EVERY` for all namespaces. */
export const accountNamespaces = (subjects: readonly Subject[]): string[] => [
  ...new Set(patternsOf(subjects).map(({ namespace }) => namespace)),
];

/** The ServiceAccounts of a namespace that are among the subjects. */
export function accountsIn(namespace: string, subjects: readonly Subject[]): AccountSet {
  const accounts = patternsOf(subjects)
    .filter((pattern) => pattern.namespace === namespace || pattern.namespace === EVERY)
    .map(({ account }) => account);
  return accounts.includes(EVERY) ? EVERY : new Set(accounts);
}
