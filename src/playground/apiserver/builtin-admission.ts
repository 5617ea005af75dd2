import { randomInt } from "node:crypto";
import type { Authorizer } from "./access/authorization.ts";
import { checkRoleWrite, type RoleWrite } from "./access/escalation.ts";
import { type ApiObject, listOf, recordOf } from "./object.ts";
import { forbiddenBecause } from "./refusal.ts";
import type { Store } from "./store.ts";
import type { WriteRequest } from "./write/request.ts";

const SERVICE_NETWORK = "10.96";
const PROTECTED_NAMESPACES = new Set(["default", "kube-system", "kube-public"]);

/** Completes or refuses new objects as Kubernetes' own admission plugins do, before any webhook is called. */
export function createBuiltinAdmission(store: Store) {
  const clusterIps = new Set([...store.list("/services")].map(clusterIpOf));
  store.subscribe(({ kind, storage, object }) => {
    if (storage === "/services") clusterIps[kind === "DELETED" ? "delete" : "add"](clusterIpOf(object));
  });

  function freeClusterIp(): string {
    for (;;) {
      const address = `${SERVICE_NETWORK}.${randomInt(256)}.${randomInt(1, 255)}`;
      if (!clusterIps.has(address)) return address;
    }
  }

  return function complete(object: ApiObject, { type, namespace }: WriteRequest): void {
    const spec = recordOf(object.spec);
    if (type.storage === "/pods") {
      spec.serviceAccountName ||= "default";
      spec.serviceAccount = spec.serviceAccountName;
      spec.priority ??= 0;
      spec.preemptionPolicy ??= "PreemptLowerPriority";
      spec.tolerations = withNodeTolerations(listOf(spec.tolerations));
      const account = String(spec.serviceAccountName);
      if (store.get("/serviceaccounts", namespace, account) === undefined) {
        throw forbiddenBecause(
          type,
          object.metadata.name,
          `error looking up service account ${namespace}/${account}: serviceaccount ${JSON.stringify(account)} not found`,
        );
      }
    }
    if (type.storage === "/services" && spec.type !== "ExternalName") {
      spec.clusterIP ||= freeClusterIp();
      spec.clusterIPs ??= [spec.clusterIP];
      spec.ipFamilies ??= ["IPv4"];
      spec.ipFamilyPolicy ??= "SingleStack";
    }
  };
}

const clusterIpOf = ({ spec }: ApiObject): unknown => recordOf(spec).clusterIP;

/** Adds the default tolerations: a Pod stays for five minutes on a node that is not ready. */
function withNodeTolerations(tolerations: readonly unknown[]): unknown[] {
  const keys = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
  const missing = keys.filter((key) => !tolerations.some((toleration) => recordOf(toleration).key === key));
  const added = missing.map((key) => ({
    effect: "NoExecute",
    key,
    operator: "Exists",
    tolerationSeconds: 300,
  }));
  return [...tolerations, ...added];
}

/** Returns the last checks before a write: a user may grant only rights that the user has. */
export function createGuard(authorizer: Authorizer) {
  return function guard(
    object: ApiObject,
    live: ApiObject | undefined,
    { type, user, namespace }: WriteRequest,
  ): void {
    if (type.group !== "rbac.authorization.k8s.io") return;
    checkRoleWrite(authorizer, {
      user,
      resource: type.plural as RoleWrite["resource"],
      namespace,
      object: object as unknown as RoleWrite["object"],
      oldObject: live as unknown as RoleWrite["object"] | undefined,
    });
  };
}

/** The namespaces that cannot be deleted. */
export function refuseProtectedNamespace({ type, name }: WriteRequest): void {
  if (type.storage === "/namespaces" && PROTECTED_NAMESPACES.has(name)) {
    throw forbiddenBecause(type, name, "this namespace may not be deleted");
  }
}
