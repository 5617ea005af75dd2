import type { Organization, OrganizationStatus } from "../../api/organization.ts";
import { readyConditions } from "../readiness.ts";

/** `problem` says why the Organization has no home; undefined when it has one. */
export function desiredStatus(
  organization: Organization,
  observed: { namespaces: string[]; problem: string | undefined },
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
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    namespaces: [...observed.namespaces].sort(),
    conditions: readyConditions(organization.status?.conditions, ready, generation, now),
  };
}
