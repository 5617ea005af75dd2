import { ENVIRONMENT_TYPES } from "../../api/environment-rule.ts";
import { LABEL } from "../../api/label.ts";
import { CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE } from "../../api/name.ts";
import type { Identity, IdentityLists } from "./identity.ts";
import type { AdmissionInput, NamespaceSelection } from "./request.ts";

type Labels = Readonly<Record<string, string>>;

/**
 * The place of a request. Each request has exactly one. The map is complete: a namespace without an entry in a list or a
 * place label is ordinary.
 */
export type Place =
  /** Holds platform identities, or belongs to the cluster itself. */
  | { kind: "platform"; namespace: string }
  /** Holds ServiceAccounts of listed controllers. */
  | { kind: "controller"; namespace: string }
  | { kind: "sovereign"; namespace: string; sovereign: string }
  /** An Organization's home. */
  | { kind: "organization"; namespace: string; organization: string }
  | { kind: "environment"; namespace: string; organization: string; environment: string }
  /** The mirror of the public catalog. */
  | { kind: "catalog"; namespace: string }
  /** The Franchisees' own Blueprints. */
  | { kind: "privateCatalog"; namespace: string }
  | { kind: "ordinary"; namespace: string }
  /** The cache does not have the namespace and the API server did not return it either. */
  | { kind: "unknown"; namespace: string }
  | { kind: "cluster" };

/**
 * API groups of reviews, which change nothing. Admission does not judge them, so the API server answers them while the
 * webhook is down.
 */
export const REVIEW_GROUPS = ["authentication.k8s.io", "authorization.k8s.io"];

/** Namespaces of the cluster itself that hold no identities of the platform. */
export const CLUSTER_NAMESPACES = ["kube-public", "kube-node-lease"];

/** Every namespace that is guarded by its name. The webhook's selectors are made from this list. */
export function guardedNames({ platformNamespaces, controllerNamespaces }: IdentityLists): string[] {
  return [
    ...platformNamespaces,
    ...CLUSTER_NAMESPACES,
    ...controllerNamespaces,
    CATALOG_NAMESPACE,
    PRIVATE_CATALOG_NAMESPACE,
  ];
}

/** The place of a namespace, by its name first and its labels second: a name cannot be changed, a label could be. */
export function placeOfNamespace(
  namespace: string,
  labels: Labels | undefined,
  { platformNamespaces, controllerNamespaces }: IdentityLists,
): Exclude<Place, { kind: "cluster" }> {
  if (platformNamespaces.includes(namespace) || CLUSTER_NAMESPACES.includes(namespace))
    return { kind: "platform", namespace };
  if (controllerNamespaces.includes(namespace)) return { kind: "controller", namespace };
  if (namespace === CATALOG_NAMESPACE) return { kind: "catalog", namespace };
  if (namespace === PRIVATE_CATALOG_NAMESPACE) return { kind: "privateCatalog", namespace };
  if (labels === undefined) return { kind: "unknown", namespace };
  const { [LABEL.organization]: organization, [LABEL.environment]: environment } = labels;
  if (organization !== undefined && environment !== undefined)
    return { kind: "environment", namespace, organization, environment };
  if (organization !== undefined) return { kind: "organization", namespace, organization };
  const platformLabel = Object.values(LABEL).find((label) => labels[label] !== undefined);
  if (platformLabel !== undefined)
    return { kind: "sovereign", namespace, sovereign: labels[LABEL.sovereign] ?? "" };
  return { kind: "ordinary", namespace };
}

/** The labels that make a namespace a guarded place, with the selection of each. Only the platform may write them. */
export const PLACE_LABELS = [
  { label: LABEL.organization, selection: "organization" },
  { label: LABEL.sovereign, selection: "sovereign" },
  { label: LABEL.environment, selection: "environment" },
  { label: LABEL.managedBy, selection: "managed-by" },
] as const;

/** The selection that the webhook configuration makes for a namespace with these labels. */
export function selectionOf(namespace: string, labels: Labels, lists: IdentityLists): NamespaceSelection {
  if (guardedNames(lists).includes(namespace)) return "listed";
  return PLACE_LABELS.find(({ label }) => labels[label] !== undefined)?.selection ?? "ordinary";
}

/** Whether the request is about a Namespace object. The API server fills in `namespace` for these too. */
export const isNamespaceObject = ({ group, resource }: AdmissionInput): boolean =>
  group === "" && resource === "namespaces";

export function placeOf(input: AdmissionInput, labels: Labels | undefined, lists: IdentityLists): Place {
  return input.namespace === "" || isNamespaceObject(input)
    ? { kind: "cluster" }
    : placeOfNamespace(input.namespace, labels, lists);
}

/** Whether a controller works in the namespace that holds its ServiceAccount. */
export const isOwnNamespace = (place: Place, identity: Identity): boolean =>
  identity.kind === "controller" && place.kind === "controller" && identity.namespace === place.namespace;

const ENVIRONMENT = new RegExp(`^(?<organization>.+)-(?:${ENVIRONMENT_TYPES.join("|")})$`);

/**
 * The reason why a namespace's name is reserved; undefined for a free name. `organizations` are the names of those that
 * exist.
 */
export function reservedBy(
  name: string,
  organizations: Pick<ReadonlySet<string>, "has">,
  lists: IdentityLists,
): string | undefined {
  if (guardedNames(lists).includes(name)) return "the platform's list of namespaces";
  if (name.startsWith("kube-")) return "Kubernetes (kube-*)";
  if (name.startsWith("org-")) return "Organizations (org-*)";
  if (name.startsWith("sovereign-")) return "Sovereigns (sovereign-*)";
  const organization = ENVIRONMENT.exec(name)?.groups?.organization;
  return organization !== undefined && organizations.has(organization)
    ? "environments of Organizations (<organization>-<environment>)"
    : undefined;
}

/** Whether a namespace is guarded, or its name reserved, and belongs to no Organization for which `isMember` is true. */
export function isForeignNamespace(
  name: string,
  place: Place,
  {
    isMember,
    organizations,
    lists,
  }: {
    isMember(organization: string): boolean;
    organizations: Pick<ReadonlySet<string>, "has">;
    lists: IdentityLists;
  },
): boolean {
  if ("organization" in place) return !isMember(place.organization);
  if (place.kind === "ordinary") return false;
  return place.kind !== "unknown" || reservedBy(name, organizations, lists) !== undefined;
}
