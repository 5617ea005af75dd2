import type { Franchise, Subject } from "../../api/franchise.ts";
import type { AdmissionInput } from "./request.ts";

type User = AdmissionInput["user"];

/**
 * The class of a request's sender. Each request has exactly one. Requests of the platform and the control plane pass. For
 * all others, the map of places decides.
 */
export type Identity =
  | { kind: "platform" }
  | { kind: "controlPlane" }
  /** A ServiceAccount of a namespace on the list of controllers, such as cert-manager. */
  | { kind: "controller"; namespace: string }
  | { kind: "franchisee"; franchises: readonly Franchise[] }
  | { kind: "tenant" };

/** The members of the platform and the control plane, and the namespaces of controllers. Settings add to the built-in entries. */
export interface IdentityLists {
  platformGroups: readonly string[];
  platformNamespaces: readonly string[];
  /** The beginnings of the names of the control plane's users. */
  controlPlanePrefixes: readonly string[];
  controllerNamespaces: readonly string[];
}

/** The entries that no setting removes. Without them, the operator could not repair itself. */
export const BUILT_IN_IDENTITIES: IdentityLists = {
  platformGroups: ["system:masters", "kubeadm:cluster-admins", "catalyst:platform"],
  platformNamespaces: ["kube-system", "catalyst-system", "flux-system"],
  controlPlanePrefixes: ["system:kube-"],
  controllerNamespaces: [
    "cert-manager",
    "cnpg-system",
    "external-secrets",
    "ingress-nginx",
    "kyverno",
    "gatekeeper-system",
    "monitoring",
    "velero",
  ],
};

/** The built-in entries, then the configured ones, each once. A namespace of the platform is never a controller's. */
export function identityLists(added: Partial<IdentityLists> = {}): IdentityLists {
  const join = (list: keyof IdentityLists) => [
    ...new Set([...BUILT_IN_IDENTITIES[list], ...(added[list] ?? [])]),
  ];
  const platformNamespaces = join("platformNamespaces");
  return {
    platformGroups: join("platformGroups"),
    platformNamespaces,
    controlPlanePrefixes: join("controlPlanePrefixes"),
    controllerNamespaces: join("controllerNamespaces").filter((name) => !platformNamespaces.includes(name)),
  };
}

/** The group whose members write evidence annotations. */
const PIPELINE_GROUP = "catalyst:pipeline";
export const isPipeline = ({ groups }: User): boolean => groups.includes(PIPELINE_GROUP);

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** The ServiceAccount that a user is; undefined for people and nodes. */
export function serviceAccountOf({ username }: User): { namespace: string; name: string } | undefined {
  const [, namespace, name] = SERVICE_ACCOUNT.exec(username) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/**
 * The class of a user. `isRunning` returns whether a Franchise's term runs now. It parses dates, so it is called only for
 * Franchises that name the user.
 */
export function identityOf(
  user: User,
  {
    franchises,
    isRunning,
  }: { franchises: readonly Franchise[]; isRunning: (franchise: Franchise) => boolean },
  lists: IdentityLists,
): Identity {
  const namespace = serviceAccountOf(user)?.namespace;
  if (lists.platformGroups.some((group) => user.groups.includes(group))) return { kind: "platform" };
  if (namespace !== undefined && lists.platformNamespaces.includes(namespace)) return { kind: "platform" };
  if (isControlPlane(user, lists)) return { kind: "controlPlane" };
  if (namespace !== undefined && lists.controllerNamespaces.includes(namespace))
    return { kind: "controller", namespace };
  const own = franchises.filter(
    (franchise) => isAnyOf(user, franchise.spec.subjects) && isRunning(franchise),
  );
  return own.length > 0 ? { kind: "franchisee", franchises: own } : { kind: "tenant" };
}

/** No rule applies to these. */
export const isExempt = ({ kind }: Identity): boolean => kind === "platform" || kind === "controlPlane";

/** Nodes and the control plane's own users. The garbage collector's ServiceAccount is in kube-system. */
function isControlPlane({ username, groups }: User, { controlPlanePrefixes }: IdentityLists): boolean {
  return (
    groups.includes("system:nodes") || controlPlanePrefixes.some((prefix) => username.startsWith(prefix))
  );
}

/**
 * Whether a user is one of the subjects. Uses a loop, because a function for each Franchise and review made a tenth of a
 * review's garbage.
 */
export function isAnyOf(user: User, subjects: readonly Subject[]): boolean {
  for (const subject of subjects) if (isSubject(user, subject)) return true;
  return false;
}

/** Whether a user is one of those that a Franchise or an Organization lists. */
function isSubject({ username, groups }: User, { kind, name, namespace }: Subject): boolean {
  if (kind === "Group") return groups.includes(name);
  if (kind === "ServiceAccount") return username === `system:serviceaccount:${namespace}:${name}`;
  return username === name;
}
