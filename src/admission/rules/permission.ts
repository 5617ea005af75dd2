import { GROUP } from "../../api/kind.ts";
import { LABEL } from "../../api/label.ts";
import { SYSTEM_NAMESPACE } from "../../api/name.ts";
import { listOf, mapOf, textOf } from "../../api/object.ts";
import { userChangedPaths } from "./change.ts";
import type { Identity } from "./identity.ts";
import { isInstallerGroup } from "./install-source.ts";
import { isOwnNamespace, type Place } from "./place.ts";
import { RBAC } from "./rbac-grant.ts";
import type { AdmissionInput, ReviewedObject } from "./request.ts";

/** The sender and the place of a request. The table of permissions looks at nothing else besides the request. */
export interface Situation {
  identity: Identity;
  place: Place;
  /** Names of the Organizations of which the requester is a member. */
  memberOf: ReadonlySet<string>;
}

/** One thing that an identity other than the platform may do in a place. Everything else is denied. */
interface Permission {
  who: "controller" | "franchisee" | "member" | "bootstrapper";
  /** The sentence for the generated page. */
  what: string;
  allows(input: AdmissionInput, situation: Situation): boolean;
}

type PlaceKind = Place["kind"];

const BOOTSTRAPPERS = "system:bootstrappers";

/** API groups of Kubernetes itself: a dot-free name, or one that ends in k8s.io. */
const isCoreGroup = (group: string): boolean => !group.includes(".") || group.endsWith(".k8s.io");

const isStatus = ({ group, subresource }: AdmissionInput): boolean =>
  subresource === "status" && group !== GROUP;

const isKind = ({ group, resource, subresource }: AdmissionInput, ...kinds: string[]): boolean =>
  subresource === "" && kinds.includes(`${resource}.${group}`);

const isRecord = (input: AdmissionInput): boolean => isKind(input, "events.", "events.events.k8s.io");
const isLease = (input: AdmissionInput): boolean => isKind(input, "leases.coordination.k8s.io");
const isSlice = (input: AdmissionInput): boolean => isKind(input, "endpointslices.discovery.k8s.io");
const isStored = (input: AdmissionInput): boolean => isKind(input, "secrets.", "configmaps.");

/** Secrets of these types hand out an identity. */
export const IDENTITY_SECRET_TYPES = ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"];
const givesIdentity = ({ object }: AdmissionInput): boolean =>
  IDENTITY_SECRET_TYPES.includes(textOf(object?.type));

/** Objects that the operator made have this label. */
const isManaged = ({ object, oldObject }: AdmissionInput): boolean =>
  [object, oldObject].some((it) => it?.metadata?.labels?.[LABEL.managedBy] !== undefined);

/**
 * In the platform's namespaces, the name of a controller's object begins with the name of the controller's namespace, as
 * with cert-manager.
 */
const bearsName = ({ name }: AdmissionInput, { identity }: Situation): boolean =>
  identity.kind === "controller" && name.startsWith(identity.namespace);

/** Kinds of other products that install nothing. */
const isCustomGroup = (group: string): boolean =>
  !isCoreGroup(group) && group !== GROUP && !isInstallerGroup(group);

const isCustomKind = ({ group, operation }: AdmissionInput): boolean =>
  operation !== "CONNECT" && isCustomGroup(group);

/** Whether an owner reference names an object of a custom kind. */
const isCustomOwner = (owner: unknown): boolean =>
  isCustomGroup(textOf(mapOf(owner).apiVersion).split("/")[0] ?? "");

/**
 * Controllers that write any object with any owner that a policy, a template or a backup names: Kyverno and Gatekeeper,
 * External Secrets with generic targets, and Velero.
 */
export const WRITERS_OF_ANYTHING = ["kyverno", "gatekeeper-system", "external-secrets", "velero"];

/** Whether a listed controller makes objects only for its own kinds, so that the owner in them can be trusted. */
export const writesOwnObjects = (identity: Identity): boolean =>
  identity.kind === "controller" && !WRITERS_OF_ANYTHING.includes(identity.namespace);

/**
 * Whether a controller itself chose the addresses in what it writes: in its own namespace, and elsewhere when no policy,
 * template or backup of others names them.
 */
export const choosesAddresses = (identity: Identity, place: Place): boolean =>
  isOwnNamespace(place, identity) || writesOwnObjects(identity);

/** Objects of custom kinds that own an object, each as one text. */
const customOwners = (
  object: ReviewedObject | undefined,
  isEnough: (owner: Record<string, unknown>) => boolean,
) =>
  listOf(object?.metadata?.ownerReferences)
    .map(mapOf)
    .filter(
      (owner) => isEnough(owner) && isCustomOwner(owner) && typeof owner.uid === "string" && owner.uid !== "",
    )
    .map(({ apiVersion, kind, uid }) => [apiVersion, kind, uid].map(textOf).join("/"));

const controls = ({ controller }: Record<string, unknown>): boolean => controller === true;

/** Whether an object of a custom kind controls an object. */
export const hasCustomController = (object: ReviewedObject | undefined): boolean =>
  customOwners(object, controls).length > 0;

/**
 * Whether an object of a custom kind controls this one, as with the Pod of a database or the solver of a challenge. An
 * owner is in the same namespace, so only users who work there can create one. An update must keep the owner. Several
 * objects may own one Service, such as the one that the Prometheus operator makes for a namespace, so a Service needs only
 * an owner. Admission does not read the owner, because it may be of any kind. It trusts controllers that write only true
 * owners.
 */
function isOwnedByCustomKind(
  { object, oldObject, group, resource, subresource }: AdmissionInput,
  identity: Identity,
): boolean {
  if (subresource !== "" || !writesOwnObjects(identity)) return false;
  const isEnough = group === "" && resource === "services" ? () => true : controls;
  const [owners = [], others] = [object, oldObject]
    .filter((it) => it !== undefined)
    .map((it) => customOwners(it, isEnough));
  return owners.some((owner) => others?.includes(owner) !== false);
}

/** Whether a RoleBinding gives rights to others than ServiceAccounts of its own namespace. */
const grantsToOthers = ({ group, resource, namespace, object }: AdmissionInput): boolean =>
  group === RBAC &&
  resource === "rolebindings" &&
  listOf(object?.subjects)
    .map(mapOf)
    .some(({ kind, namespace: at }) => kind !== "ServiceAccount" || at !== namespace);

/** Whether an update changes at most this one field, of the fields that users write. */
const changesOnly = (input: AdmissionInput, field: string): boolean =>
  input.operation === "UPDATE" && userChangedPaths(input).every((path) => path === field);

const RECORDS: Permission = {
  who: "controller",
  what: "write Events and, outside catalyst-system, the status of objects of other API groups than the product's",
  allows: (input) => isRecord(input) || (input.namespace !== SYSTEM_NAMESPACE && isStatus(input)),
};

const HOUSEKEEPING: Permission = {
  who: "controller",
  what: "write Leases, EndpointSlices, and Secrets and ConfigMaps that the operator does not manage",
  allows: (input) =>
    isLease(input) || (!isManaged(input) && (isSlice(input) || (isStored(input) && !givesIdentity(input)))),
};

const PLATFORM_HOUSEKEEPING: Permission = {
  who: "controller",
  what: "outside catalyst-system: write EndpointSlices, and Leases, Secrets and ConfigMaps whose names begin with its namespace's",
  allows: (input, situation) =>
    input.namespace !== SYSTEM_NAMESPACE &&
    (isSlice(input) ||
      ((isLease(input) || isStored(input)) && bearsName(input, situation) && !givesIdentity(input))),
};

const RECONCILED: Permission = {
  who: "controller",
  what: "write objects of custom kinds, and, for its own kinds, objects that such an object controls, which the operator does not manage; RoleBindings only of the namespace's own ServiceAccounts",
  allows: (input, { identity }) =>
    !isManaged(input) &&
    !givesIdentity(input) &&
    !grantsToOthers(input) &&
    (isCustomKind(input) || isOwnedByCustomKind(input, identity)),
};

const OWN_NAMESPACE: Permission = {
  who: "controller",
  what: "in its own namespace: everything",
  allows: (_, { identity, place }) => isOwnNamespace(place, identity),
};

/** API groups of reports about other objects. They configure nothing. */
export const REPORT_GROUPS = ["wgpolicyk8s.io", "openreports.io", "reports.kyverno.io"];

const REPORTS: Permission = {
  who: "controller",
  what: "outside catalyst-system: write policy reports",
  allows: ({ group, namespace }) => namespace !== SYSTEM_NAMESPACE && REPORT_GROUPS.includes(group),
};

const CLUSTER_FINALIZERS: Permission = {
  who: "controller",
  what: "write the finalizers of cluster-scoped custom kinds",
  allows: (input) => isCustomKind(input) && changesOnly(input, "metadata.finalizers"),
};

/** Gatekeeper makes a kind for each ConstraintTemplate. */
const CONSTRAINT_DEFINITIONS: Permission = {
  who: "controller",
  what: "write CustomResourceDefinitions of constraints.gatekeeper.sh",
  allows: (input) =>
    isKind(input, "customresourcedefinitions.apiextensions.k8s.io") &&
    input.name.endsWith(".constraints.gatekeeper.sh"),
};

const MEMBER: Permission = {
  who: "member",
  what: "work here, exec included",
  allows: (_, { place, memberOf }) => "organization" in place && memberOf.has(place.organization),
};

const OWN_BLUEPRINTS: Permission = {
  who: "franchisee",
  what: "keep private Blueprints",
  allows: (input) => isKind(input, `blueprints.${GROUP}`),
};

const SOVEREIGN_SETTINGS: Permission = {
  who: "franchisee",
  what: "set branding, tiers and add-ons of its Sovereign",
  allows: (input) => isKind(input, `sovereigns.${GROUP}`) && input.operation === "UPDATE",
};

/** A native policy judges the CA bundle in webhook configurations, because the API server calls no webhook for those. */
const CA_BUNDLE: Permission = {
  who: "controller",
  what: "write the caBundle of CustomResourceDefinitions outside the product's API group",
  allows: (input) =>
    isKind(input, "customresourcedefinitions.apiextensions.k8s.io") &&
    !input.name.endsWith(`.${GROUP}`) &&
    changesOnly(input, "spec.conversion.webhook.clientConfig.caBundle"),
};

const CLUSTER_STATUS: Permission = {
  who: "controller",
  what: "write the status of cluster-scoped kinds that belong neither to Kubernetes nor to the product",
  allows: (input) => isStatus(input) && !isCoreGroup(input.group),
};

/** The signer of the client certificates of kubelets. Other signers sign certificates of users. */
const KUBELET_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";

const NODE_JOIN: Permission = {
  who: "bootstrapper",
  what: "request the certificate of a node that joins",
  allows: (input) =>
    isKind(input, "certificatesigningrequests.certificates.k8s.io") &&
    input.operation === "CREATE" &&
    mapOf(input.object?.spec).signerName === KUBELET_SIGNER,
};

/**
 * The permissions of each place, for everyone but the platform. A place that permits nothing has an entry too, so that a
 * new place does not compile without a decision. Ordinary namespaces are not in this table, because RBAC decides there.
 */
export const PERMISSIONS: Readonly<Record<Exclude<PlaceKind, "ordinary">, readonly Permission[]>> = {
  platform: [RECORDS, REPORTS, PLATFORM_HOUSEKEEPING],
  controller: [OWN_NAMESPACE, RECORDS, REPORTS, HOUSEKEEPING],
  sovereign: [RECORDS, HOUSEKEEPING, RECONCILED],
  organization: [MEMBER, RECORDS, HOUSEKEEPING, RECONCILED],
  environment: [MEMBER, RECORDS, HOUSEKEEPING, RECONCILED],
  catalog: [],
  privateCatalog: [OWN_BLUEPRINTS],
  unknown: [],
  cluster: [
    SOVEREIGN_SETTINGS,
    CA_BUNDLE,
    CLUSTER_STATUS,
    CLUSTER_FINALIZERS,
    REPORTS,
    CONSTRAINT_DEFINITIONS,
    NODE_JOIN,
  ],
};

/** Whether the table permits the request. */
export function isPermitted(input: AdmissionInput, situation: Situation): boolean {
  const { place } = situation;
  if (place.kind === "ordinary") return true;
  return PERMISSIONS[place.kind].some(
    (permission) => isWho(permission.who, input, situation) && permission.allows(input, situation),
  );
}

function isWho(who: Permission["who"], { user }: AdmissionInput, { identity }: Situation): boolean {
  // A member may have any identity. The permission itself checks the Organization.
  if (who === "member") return true;
  if (who === "bootstrapper") return user.groups.includes(BOOTSTRAPPERS);
  return identity.kind === who;
}
