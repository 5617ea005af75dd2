/** A request of the audit log, as far as a right depends on it. */
export interface AuditedRequest {
  verb: string;
  objectRef?: {
    apiGroup?: string;
    resource: string;
    subresource?: string;
    namespace?: string;
    name?: string;
  };
  annotations: { "authorization.k8s.io/decision": string };
}

/** A Role or a ClusterRole. */
interface RightsOfRole {
  metadata: { namespace?: string };
  rules: { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] }[];
}

/** One right of one rule, to all objects that the rule names: `update secrets catalyst-operator-webhook-tls in catalyst-system`. */
interface AtomicRight {
  text: string;
  allows(request: AuditedRequest): boolean;
}

const pathOf = (group: string, resource: string) => (group === "" ? resource : `${resource}.${group}`);

function atomicRights({ metadata: { namespace }, rules }: RightsOfRole): AtomicRight[] {
  return rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => ({
          text: [verb, pathOf(group, resource), resourceNames?.join(), namespace && `in ${namespace}`]
            .filter(Boolean)
            .join(" "),
          allows: ({ verb: asked, objectRef: ref }: AuditedRequest) =>
            ref !== undefined &&
            (isHandedOut(verb, group, resource, asked, ref) ||
              ((asked === verb || isImplied(verb, asked, ref)) &&
                (isBind(verb) ||
                  ((ref.apiGroup ?? "") === group &&
                    [ref.resource, ref.subresource].filter(Boolean).join("/") === resource &&
                    (resourceNames === undefined || resourceNames.includes(ref.name ?? "")))))) &&
            (namespace === undefined || ref.namespace === namespace),
        })),
      ),
    ),
  );
}

const isBind = (verb: string) => verb === "bind";

/**
 * Rights that the API server asks for without a request of their own. Server-side apply creates what does not exist, and
 * the operator replaces an applied object when another writer added to it (src/kube/apply.ts). A RoleBinding needs `bind`.
 */
function isImplied(verb: string, asked: string, ref: NonNullable<AuditedRequest["objectRef"]>): boolean {
  if (asked !== "patch") return false;
  return isBind(verb) ? ref.resource === "rolebindings" : ["create", "update"].includes(verb);
}

/** A writer of a ClusterRole needs the rights that it gives. The operator gives a Franchisee rights to Catalyst kinds. */
function isHandedOut(
  verb: string,
  group: string,
  resource: string,
  asked: string,
  ref: NonNullable<AuditedRequest["objectRef"]>,
): boolean {
  const isOfProduct = group === "catalyst.openova.io" && ["franchises", "sovereigns"].includes(resource);
  return isOfProduct && verb === "get" && asked === "patch" && ref.resource === "clusterroles";
}

const isAllowed = ({ annotations }: AuditedRequest) =>
  annotations["authorization.k8s.io/decision"] === "allow";

/** The differences between roles and requests: rights that no request used, and requests that no right allows. */
export function compareRights(
  roles: readonly RightsOfRole[],
  requests: readonly AuditedRequest[],
): { unused: string[]; missing: string[] } {
  const rights = roles.flatMap(atomicRights);
  const asked = new Map(requests.map((it) => [JSON.stringify([it.verb, it.objectRef]), it]));
  const used = new Set([...asked.values()].flatMap((it) => rights.filter(({ allows }) => allows(it))));
  const missing = requests
    .filter((it) => !isAllowed(it))
    .map(({ verb, objectRef: ref }) =>
      ref === undefined
        ? verb
        : [
            verb,
            pathOf(ref.apiGroup ?? "", [ref.resource, ref.subresource].filter(Boolean).join("/")),
            ref.name,
            ref.namespace && `in ${ref.namespace}`,
          ]
            .filter(Boolean)
            .join(" "),
    );
  return {
    unused: rights.filter((right) => !used.has(right)).map(({ text }) => text),
    missing: [...new Set(missing)],
  };
}
