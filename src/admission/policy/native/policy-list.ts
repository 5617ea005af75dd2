import type { KubernetesObject } from "../../../api/object.ts";
import type { Enforcement } from "../../enforcement.ts";
import { DEFAULT_DOCS_URL, seeRules } from "../../rules/denial-link.ts";
import type { IdentityLists } from "../../rules/identity.ts";
import type { Guard, Validation } from "../guard.ts";
import { type MatchCondition, notPlatform } from "../match-condition.ts";
import { named } from "../namespace-selector.ts";
import { nativeGuards } from "./guard-list.ts";

const API_VERSION = "admissionregistration.k8s.io/v1";

/** The label of the policies and of their bindings, by which the operator watches them. */
export const NATIVE_POLICY_LABELS = { "app.kubernetes.io/name": "catalyst-operator" };

interface NativePolicy extends KubernetesObject {
  kind: "ValidatingAdmissionPolicy";
  spec: {
    failurePolicy: "Fail";
    matchConstraints: object;
    matchConditions?: MatchCondition[];
    variables?: { name: string; expression: string }[];
    validations: Omit<Validation, "rule">[];
  };
}

interface NativePolicyBinding extends KubernetesObject {
  kind: "ValidatingAdmissionPolicyBinding";
  spec: { policyName: string; validationActions: readonly string[] };
}

/** One policy with its binding. */
export interface BoundPolicy {
  purpose: string[];
  policy: NativePolicy;
  binding: NativePolicyBinding;
}

/** Kubernetes' names for what a binding does. With `Audit` a request passes, with a warning and a line in the audit log. */
const ACTIONS: Readonly<Record<Enforcement, readonly string[]>> = {
  Deny: ["Deny"],
  Audit: ["Warn", "Audit"],
};

/**
 * The policies that the API server evaluates itself. It evaluates no policy for policies and bindings, so RBAC and the
 * operator's watch protect these. The defaults of the API server are written out, because the operator compares a policy
 * with the live one as a whole. `docsUrl` is the page that denials link to.
 */
export const nativePolicies = (
  lists: IdentityLists,
  enforcement: Enforcement,
  docsUrl: string = DEFAULT_DOCS_URL,
): BoundPolicy[] =>
  nativeGuards(lists).map((guard) => ({
    purpose: guard.purpose,
    policy: policyOf(guard, lists, docsUrl),
    binding: {
      apiVersion: API_VERSION,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name: guard.name, labels: NATIVE_POLICY_LABELS },
      spec: { policyName: guard.name, validationActions: ACTIONS[enforcement] },
    },
  }));

function policyOf(guard: Guard, lists: IdentityLists, docsUrl: string): NativePolicy {
  const { name, requests, namespace, conditions = [], judgesPlatform, variables, validations } = guard;
  const matchConditions = [...(judgesPlatform ? [] : notPlatform(lists)), ...conditions];
  return {
    apiVersion: API_VERSION,
    kind: "ValidatingAdmissionPolicy",
    metadata: { name, labels: NATIVE_POLICY_LABELS },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        matchPolicy: "Equivalent",
        namespaceSelector: namespace === undefined ? {} : { matchExpressions: [named("In", [namespace])] },
        objectSelector: {},
        resourceRules: requests.map(({ apiGroups, ...rest }) => ({ apiGroups, apiVersions: ["*"], ...rest })),
      },
      ...(matchConditions.length === 0 ? {} : { matchConditions }),
      ...(variables === undefined ? {} : { variables }),
      validations: validations.map(({ rule, message, ...rest }) => ({
        ...rest,
        message: `${message}${seeRules(docsUrl, [rule])}`,
      })),
    },
  };
}

/** The policies and bindings as the operator keeps them in the cluster. */
export const desiredNativePolicies = (
  lists: IdentityLists,
  enforcement: Enforcement,
  docsUrl?: string,
): (NativePolicy | NativePolicyBinding)[] =>
  nativePolicies(lists, enforcement, docsUrl).flatMap(({ policy, binding }) => [policy, binding]);
