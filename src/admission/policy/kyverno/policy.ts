import type { IdentityLists } from "../../rules/identity.ts";
import type { Guard } from "../guard.ts";
import { notPlatform } from "../match-condition.ts";
import type { LabelRequirement } from "../namespace-selector.ts";

/** The parts in which one Kyverno policy differs from the others. */
export interface KyvernoRule extends Omit<Guard, "namespace"> {
  namespaces?: LabelRequirement[];
  /**
   * Matches every kind. While Kyverno is down, this policy refuses nothing, so that the cluster keeps working. The webhook
   * still denies.
   */
  matchesEverything?: boolean;
  /** Also judges the Pod templates of workloads: Kyverno derives those rules from the rule for Pods. */
  includesTemplates?: boolean;
}

/** The subresource, which a request may lack. */
export const SUBRESOURCE = `request.?subResource.orValue("")`;

export interface KyvernoPolicy {
  apiVersion: "policies.kyverno.io/v1";
  kind: "ValidatingPolicy" | "ImageValidatingPolicy";
  metadata: { name: string; labels: Record<string, string> };
  spec: { validations: { expression: string; message?: string }[] } & Record<string, unknown>;
}

export const KYVERNO_LABELS = { "app.kubernetes.io/name": "catalyst-operator" };

/** Background scans have no requester, so they would report every object of the platform. */
export const ADMISSION_ONLY = { admission: { enabled: true }, background: { enabled: false } };

export function policyOf(rule: KyvernoRule, lists: IdentityLists): KyvernoPolicy {
  const { name, namespaces, conditions = [], variables, validations, includesTemplates = false } = rule;
  return {
    apiVersion: "policies.kyverno.io/v1",
    kind: "ValidatingPolicy",
    metadata: { name, labels: KYVERNO_LABELS },
    spec: {
      failurePolicy: rule.matchesEverything ? "Ignore" : "Fail",
      validationActions: ["Deny"],
      evaluation: ADMISSION_ONLY,
      ...(includesTemplates ? {} : { autogen: { podControllers: { controllers: [] } } }),
      matchConstraints: {
        ...(namespaces === undefined ? {} : { namespaceSelector: { matchExpressions: namespaces } }),
        resourceRules: rule.requests.map(({ apiGroups, ...rest }) => ({
          apiGroups,
          apiVersions: [includesTemplates ? "v1" : "*"],
          ...rest,
        })),
      },
      matchConditions: [...notPlatform(lists), ...conditions],
      ...(variables === undefined ? {} : { variables }),
      validations: validations.map(({ expression, message }) => ({ expression, message })),
    },
  };
}
