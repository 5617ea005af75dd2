import { methodNotAllowed, noSuchPath, notImplemented } from "../refusal.ts";
import type { ResourceRequest } from "../request-info.ts";
import type { ResourceType } from "../resource-type.ts";

// Subresources of Kubernetes that this server does not support, because it has no kubelet and no scheduler.
const REFUSED: Record<string, readonly string[]> = {
  "/pods": ["attach", "binding", "ephemeralcontainers", "eviction", "exec", "proxy", "resize"],
  "/nodes": ["proxy"],
  "/services": ["proxy"],
};

/** Refuses a verb that the path does not support. */
export function checkRoute(info: ResourceRequest, type: ResourceType): void {
  const { subresource, verb, namespace } = info;
  const isNamespace = type.storage === "/namespaces";
  if (type.namespaced && namespace === "" && !["list", "watch"].includes(verb)) {
    if (info.name !== "") throw noSuchPath();
    throw methodNotAllowed();
  }
  if (!type.namespaced && namespace !== "" && !isNamespace) throw noSuchPath();
  const onCollection = ["create", "list", "watch", "deletecollection"].includes(verb);
  if (!onCollection && info.name === "") throw methodNotAllowed();
  if (subresource === "") {
    if (!type.verbs.includes(verb)) throw methodNotAllowed();
    return;
  }
  const isOfPod = type.storage === "/pods" && ["log", "portforward"].includes(subresource);
  const served =
    isOfPod ||
    (type.subresources as ReadonlySet<string>).has(subresource) ||
    (isNamespace && subresource === "finalize") ||
    (type.storage === "/serviceaccounts" && subresource === "token");
  if (!served)
    throw REFUSED[type.storage]?.includes(subresource)
      ? notImplemented(`${type.plural}/${subresource}`)
      : noSuchPath();
  if (!subresourceVerbs(subresource).includes(verb)) throw methodNotAllowed();
}

function subresourceVerbs(subresource: string): string[] {
  switch (subresource) {
    case "log":
    case "portforward":
      return ["get"];
    case "token":
      return ["create"];
    case "finalize":
      return ["update"];
    default:
      return ["get", "update", "patch"];
  }
}
