import { isMap, mapOf, textOf } from "../../api/object.ts";
import { type AccountFacts, includesAccount, isEmptyAccountSet } from "./account.ts";
import type { Violation } from "./fact.ts";
import { surveyOf } from "./object-survey.ts";
import { type AdmissionInput, objectPath } from "./request.ts";

const DEFAULT_ACCOUNT = "default";
const TOKEN_SECRET = "kubernetes.io/service-account-token";
const ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name";

/**
 * A Pod that runs as an account has the account's rights, and so has a holder of its token. Therefore only a Franchisee and
 * the members of an Organization may use their accounts.
 */
export function serviceAccountRule(input: AdmissionInput, facts: AccountFacts): Violation[] {
  if (input.operation === "DELETE") return [];
  if (isPodConnection(input)) return connectionViolations(input, facts);
  const used = usedAccounts(input);
  // Most requests use no account. The facts are costly, because they read all Franchises.
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

/** Exec, attach, port-forward and proxy. The review does not contain the Pod. */
export const isPodConnection = ({ operation, group, resource }: AdmissionInput): boolean =>
  operation === "CONNECT" && group === "" && resource === "pods";

/** A user inside a Pod can read its token, and reach services that trust the Pod's address. */
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
  // The certificate that the kubelet requests for a Pod carries the Pod's account.
  if (input.group === "certificates.k8s.io" && input.resource === "podcertificaterequests")
    return [
      {
        path: "spec.serviceAccountName",
        account: textOf(mapOf(input.object?.spec).serviceAccountName),
      },
    ];
  // A write of the status changes only the status.
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
