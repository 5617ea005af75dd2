import { findCondition, type NewCondition, setCondition } from "../../api/condition.ts";
import type { Organization, OrganizationStatus } from "../../api/organization.ts";
import { readyConditions } from "../readiness.ts";

/** The subscription of an Organization's tenant, as billing has it. */
export interface SubscriptionStanding {
  /** A status name of Stripe, or `expired`; null when the tenant has no subscription. */
  status: string | null;
  /** RFC 3339. */
  periodEndsAt: string | undefined;
}

/** The Sovereign does not exist, or its database was not read for hours. */
export type UnknownSubscription = "sovereign-missing" | "outdated";

/** `problem` says why the Organization has no home; undefined when it has one. */
export function desiredStatus(
  organization: Organization,
  observed: {
    namespaces: string[];
    problem: string | undefined;
    /** Undefined: not read yet. */
    subscription: SubscriptionStanding | UnknownSubscription | undefined;
  },
  now: string,
): OrganizationStatus {
  const { generation } = organization.metadata;
  const ready =
    observed.problem === undefined
      ? {
          status: "True" as const,
          reason: "HomeReady",
          message:
            "the home namespace exists with its quota and its network policy, and the owner and the members have their rights in it",
        }
      : { status: "False" as const, reason: "NamespaceNotOurs", message: observed.problem };
  const conditions = readyConditions(organization.status?.conditions, ready, generation, now);
  const subscription = subscriptionCondition(organization, observed.subscription);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    namespaces: [...observed.namespaces].sort(),
    conditions:
      subscription === undefined ? conditions : setCondition(conditions, subscription, generation, now),
  };
}

const SUBSCRIPTION_ACTIVE = "SubscriptionActive";

/** An Organization that no order created has no subscription to follow. */
function subscriptionCondition(
  { spec, status }: Organization,
  standing: SubscriptionStanding | UnknownSubscription | undefined,
): NewCondition | undefined {
  if (spec.order === undefined) return undefined;
  const type = SUBSCRIPTION_ACTIVE;
  if (typeof standing === "object") return { type, ...describeSubscription(standing) };
  // A new leader keeps the value that the former one read.
  const known = findCondition(status?.conditions, type);
  if (standing === undefined && known !== undefined && known.status !== "Unknown") return known;
  const message = describeUnknown(standing, spec.sovereign);
  return { type, status: "Unknown", reason: "NotRead", message };
}

function describeUnknown(why: UnknownSubscription | undefined, sovereign: string): string {
  if (why === "sovereign-missing")
    return `Sovereign ${sovereign} does not exist, so the operator cannot read the subscription: create the Sovereign, or delete this Organization`;
  if (why === "outdated")
    return `the operator has not read the billing database of Sovereign ${sovereign} for hours: check that Sovereign and its database`;
  return `the operator has not read the subscription in the billing database of Sovereign ${sovereign} yet`;
}

/** Statuses of a subscription that can become active again. */
const PAYMENT_DUE = ["past_due", "unpaid", "incomplete", "paused"];

function describeSubscription({ status, periodEndsAt }: SubscriptionStanding): Omit<NewCondition, "type"> {
  if (status === null)
    return {
      status: "False",
      reason: "NoSubscription",
      message: "the tenant has no subscription in billing: an order of the tenant starts one",
    };
  const ends = periodEndsAt === undefined ? "" : `; its period ends at ${periodEndsAt}`;
  if (status === "active" || status === "trialing")
    return { status: "True", reason: camelCase(status), message: `the subscription is ${status}${ends}` };
  const remedy = PAYMENT_DUE.includes(status)
    ? "the customer has to settle the payment at the payment processor"
    : "a new order of the same tenant starts another one";
  return { status: "False", reason: camelCase(status), message: `the subscription is ${status}: ${remedy}` };
}

/** `past_due` as `PastDue`. */
const camelCase = (status: string): string =>
  status
    .split(/[^a-zA-Z0-9]+/)
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join("")
    .slice(0, 64) || "StatusUnknown";
