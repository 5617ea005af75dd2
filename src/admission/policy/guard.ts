import type { IdentityLists } from "../rules/identity.ts";
import type { RuleId } from "../rules/rule-id.ts";
import { celIsServiceAccountOf, type MatchCondition } from "./match-condition.ts";

export const WRITES = ["CREATE", "UPDATE", "DELETE"];
export const EVERYTHING = [...WRITES, "CONNECT"];

interface Variable {
  name: string;
  expression: string;
}

export interface GuardedRequest {
  apiGroups: string[];
  resources: string[];
  operations: string[];
  scope: "*" | "Cluster" | "Namespaced";
}

export interface Validation {
  rule: RuleId | NativeRule;
  /** The request passes when it is true. */
  expression: string;
  reason: "Forbidden";
  message: string;
}

/** The parts in which one policy differs from the others. */
export interface Guard {
  name: string;
  /** Lines for the head of the policy's file. */
  purpose: string[];
  requests: GuardedRequest[];
  /** The only namespace whose requests are guarded. Undefined: every namespace, and cluster scope. */
  namespace?: string;
  conditions?: MatchCondition[];
  /** Whether it also judges the platform and the control plane. Default: no. */
  judgesPlatform?: true;
  variables?: Variable[];
  validations: Validation[];
}

/**
 * Rules that only the native policies can enforce. The API server calls no webhook for webhook configurations, and the
 * webhook's match conditions leave out the requests of the platform.
 */
export const NATIVE_RULES = ["hub-object", "rollout-annotation", "webhook-configuration"] as const;
export type NativeRule = (typeof NATIVE_RULES)[number];

/** Denies with the rule ids of the webhook, so that one page explains both. A request passes when `expression` is true. */
export const denyUnless = (
  rule: RuleId | NativeRule,
  path: string,
  message: string,
  expression = "false",
): Validation => ({ rule, expression, reason: "Forbidden", message: `${rule}: ${path}: ${message}` });

export const requests = (
  apiGroups: string[],
  resources: string[],
  operations: string[],
  scope: GuardedRequest["scope"] = "*",
): GuardedRequest => ({ apiGroups, resources, operations, scope });

/** Whether the sender is a listed controller. */
export const isController = ({ controllerNamespaces }: IdentityLists): Variable => ({
  name: "isController",
  expression: celIsServiceAccountOf(controllerNamespaces),
});

export const IS_EVENT: Variable = {
  name: "isEvent",
  expression: `request.resource.resource == "events" && request.resource.group in ["", "events.k8s.io"]`,
};
