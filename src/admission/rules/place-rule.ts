import { affectedPaths } from "./change.ts";
import type { Violation } from "./fact.ts";
import { isPermitted, type Situation } from "./permission.ts";
import { isNamespaceObject, type Place } from "./place.ts";
import type { AdmissionInput } from "./request.ts";
import type { RuleId } from "./rule-id.ts";

/** `Deployment billing`, as the API server sends the kind; connections come without an object. */
const kindOf = ({ object, oldObject, resource, name }: AdmissionInput): string =>
  `${object?.kind ?? oldObject?.kind ?? resource} ${name || "(new)"}`;

const CLUSTER_REMEDIES: ReadonlyMap<string, string> = new Map([
  ["clusterrolebindings", "use a RoleBinding in your own namespace"],
  ["clusterroles", "use a Role in your own namespace"],
  ["persistentvolumes", "use a PersistentVolumeClaim"],
]);

interface Denial {
  rule: RuleId;
  explain(input: AdmissionInput): string;
}

/** An Organization's home and its environments have the same members. */
const OF_ORGANIZATION: Denial = {
  rule: "organization-namespace",
  explain: ({ namespace }) =>
    `namespace ${namespace} belongs to an Organization; only its members work there, so ask the platform team to add you to spec.members`,
};

/** The rule that denies in each place, and the remedy. The texts never name objects of another tenant. */
const DENIALS: Readonly<Record<Exclude<Place["kind"], "ordinary">, Denial>> = {
  platform: {
    rule: "platform-namespace",
    explain: ({ namespace }) =>
      `namespace ${namespace} belongs to the platform; work in a namespace of your own, or ask the platform team`,
  },
  controller: {
    rule: "controller-namespace",
    explain: ({ namespace }) =>
      `namespace ${namespace} belongs to a cluster controller; work in a namespace of your own, or ask the platform team`,
  },
  sovereign: {
    rule: "sovereign-namespace",
    explain: (input) =>
      `the operator manages ${kindOf(input)} in namespace ${input.namespace}; change spec.branding, spec.tiers or spec.addons of the Sovereign instead`,
  },
  organization: OF_ORGANIZATION,
  environment: OF_ORGANIZATION,
  catalog: {
    rule: "catalog-namespace",
    explain: ({ namespace }) =>
      `namespace ${namespace} mirrors the public catalog; keep private Blueprints in catalog-sovereign`,
  },
  privateCatalog: {
    rule: "catalog-namespace",
    explain: ({ namespace }) =>
      `namespace ${namespace} holds private Blueprints only, and only Franchisees keep them; use a namespace of your own`,
  },
  unknown: {
    rule: "unknown-namespace",
    explain: ({ namespace }) =>
      `the operator has not seen namespace ${namespace} yet, so it cannot tell whose it is; try again in a few seconds`,
  },
  cluster: {
    rule: "cluster-scope",
    explain: (input) =>
      `only the platform may write ${kindOf(input)}, because it affects the whole cluster; ${CLUSTER_REMEDIES.get(input.resource) ?? "ask the platform team to make the change"}`,
  },
};

/**
 * Denies requests that the table of permissions does not permit. Requests for Namespaces have a rule of their own, because
 * users may create ordinary ones.
 */
export function placeRule(input: AdmissionInput, situation: Situation): Violation[] {
  const { place } = situation;
  if (place.kind === "ordinary" || isNamespaceObject(input) || isPermitted(input, situation)) return [];
  const { rule, explain } = DENIALS[place.kind];
  return affectedPaths(input).map((path) => ({ rule, path, message: explain(input) }));
}
