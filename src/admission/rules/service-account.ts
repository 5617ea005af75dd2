import { isMap, textOf } from "../../api/object.ts";
import { type AccountFacts, includesAccount, isEmptyAccountSet } from "./account.ts";
import type { Violation } from "./fact.ts";
import { surveyOf } from "./object-survey.ts";
import { type AdmissionInput, objectPath } from "./request.ts";

const DEFAULT_ACCOUNT = "default";
const TOKEN_SECRET = "kubernetes.io/service-account-token";
const ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name";

/**
 * A Pod that runs as an account, and a holder of its token, have its rights. Accounts of a Franchisee or an Organization
 * are therefore for those who are that Franchisee or belong to that Organization.
 */
export function serviceAccountRule(input: AdmissionInput, facts: AccountFacts): Violation[] {
  if (input.operation === "DELETE") return [];
  if (isPodConnection(input)) return connectionViolations(input, facts);
  const used = usedAccounts(input);
  // Most requests use no account, and the facts walk through all Franchises.
  if (used.length === 0) return [];
  const { foreignAccounts } = facts;
  return used
    .filter(({ account }) => includesAccount(foreignAccounts, account))
    .map(({ path, account }) => ({
      rule: "service-account-identity",
      path,
      message: `ServiceAccount ${account} acts for a Franchisee or an Organization that you do not belong to; use another account`,
    }));
}

/** Exec, attach, port-forward and proxy: the review has no Pod. */
export const isPodConnection = ({ operation, group, resource }: AdmissionInput): boolean =>
  operation === "CONNECT" && group === "" && resource === "pods";

/** Who is inside a Pod can read its token, or reach what trusts the Pod's own address. */
function connectionViolations(
  input: AdmissionInput,
  { foreignAccounts, connectedAccount }: AccountFacts,
): Violation[] {
  if (isEmptyAccountSet(foreignAccounts)) return [];
  if (connectedAccount !== undefined && !includesAccount(foreignAccounts, connectedAccount)) return [];
  const message =
    connectedAccount === undefined
      ? `Pod ${input.name} does not exist, so it is not known as which ServiceAccount it runs; use the name of a Pod that exists`
      : `Pod ${input.name} runs as a ServiceAccount that acts for a Franchisee or an Organization that you do not belong to; use a Pod that runs as another account`;
  return [{ rule: "service-account-identity", path: objectPath(input), message }];
}

/** The account as which a Pod runs. */
export const accountOfPod = ({ serviceAccountName, serviceAccount }: Record<string, unknown>): string =>
  textOf(serviceAccountName || serviceAccount || DEFAULT_ACCOUNT);

/** Flux kinds that act as an account of their namespace: a release installs as it, a source pulls with its credentials. */
const ACTS_AS_ACCOUNT = ["helmreleases", "ocirepositories"];

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
  // The API server takes nothing but the status from these.
  if (input.subresource === "status") return [];
  const spec = ACTS_AS_ACCOUNT.includes(input.resource) && isMap(input.object?.spec) ? input.object.spec : {};
  return [
    ...surveyOf(input.object).podSpecs.map((found) => ({
      path: `${found.path}.serviceAccountName`,
      account: accountOfPod(found.spec),
    })),
    ...(spec.serviceAccountName === undefined
      ? []
      : [{ path: "spec.serviceAccountName", account: textOf(spec.serviceAccountName) }]),
  ];
}
