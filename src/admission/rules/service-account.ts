import type { Violation } from "./fact.ts";
import { findPodSpecs } from "./pod-template.ts";
import type { AdmissionInput } from "./request.ts";

/**
 * ServiceAccounts of the request's namespace that act as a Franchisee or as a member of an Organization, and that the
 * requester does not act for itself.
 */
export interface AccountFacts {
  foreignAccounts: ReadonlySet<string>;
}

const DEFAULT_ACCOUNT = "default";
const TOKEN_SECRET = "kubernetes.io/service-account-token";
const ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name";

/**
 * A Pod that runs as an account, and a holder of its token, have its rights. Accounts of a Franchisee or an Organization
 * are therefore for those who are that Franchisee or belong to that Organization.
 */
export function serviceAccountRule(input: AdmissionInput, facts: AccountFacts): Violation[] {
  if (input.operation === "DELETE") return [];
  const used = usedAccounts(input);
  if (used.length === 0) return [];
  const { foreignAccounts } = facts;
  return used
    .filter(({ account }) => foreignAccounts.has(account))
    .map(({ path, account }) => ({
      rule: "service-account-identity",
      path,
      message: `ServiceAccount ${account} acts for a Franchisee or an Organization that you do not belong to; use another account`,
    }));
}

function usedAccounts(input: AdmissionInput): { path: string; account: string }[] {
  if (input.group === "" && input.resource === "serviceaccounts" && input.subresource === "token")
    return [{ path: `serviceaccounts/${input.name}/token`, account: input.name }];
  if (input.group === "" && input.resource === "secrets" && input.object?.type === TOKEN_SECRET)
    return [
      {
        path: `metadata.annotations[${ACCOUNT_ANNOTATION}]`,
        account: input.object.metadata?.annotations?.[ACCOUNT_ANNOTATION] ?? "",
      },
    ];
  const search = findPodSpecs(input.object);
  const pods = search.kind === "found" ? search.specs : [];
  const release =
    input.resource === "helmreleases" ? (input.object?.spec as { serviceAccountName?: unknown }) : undefined;
  return [
    ...pods.map(({ path, spec }) => ({
      path: `${path}.serviceAccountName`,
      account: String(spec.serviceAccountName ?? spec.serviceAccount ?? DEFAULT_ACCOUNT),
    })),
    ...(release?.serviceAccountName === undefined
      ? []
      : [{ path: "spec.serviceAccountName", account: String(release.serviceAccountName) }]),
  ];
}
