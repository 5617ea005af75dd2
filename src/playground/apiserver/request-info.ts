import { badRequest } from "./refusal.ts";

/** What a request's method and path mean. */
export type RequestInfo = ResourceRequest | PathRequest;

export interface ResourceRequest {
  kind: "resource";
  verb: string;
  method: string;
  group: string;
  version: string;
  /** Empty for cluster-scoped resources and for all namespaces. */
  namespace: string;
  plural: string;
  subresource: string;
  /** Empty for collections. */
  name: string;
  query: URLSearchParams;
}

export interface PathRequest {
  kind: "path";
  /** The HTTP method in lower case. */
  verb: string;
  path: string;
  query: URLSearchParams;
}

const OBJECT_VERB: Record<string, string> = {
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
  POST: "create",
};
const NAMESPACE_SUBRESOURCES = new Set(["status", "finalize"]);

export function parseRequestInfo(method: string, url: string): RequestInfo {
  const [rawPath = "/", ...rest] = url.split("?");
  const query = new URLSearchParams(rest.join("?"));
  const parts = segmentsOf(rawPath);
  const asPath = (): PathRequest => ({ kind: "path", verb: method.toLowerCase(), path: rawPath, query });

  const prefixLength = parts[0] === "api" ? 2 : parts[0] === "apis" ? 3 : 0;
  if (prefixLength === 0 || parts.length <= prefixLength) return asPath();
  const group = parts[0] === "api" ? "" : (parts[1] ?? "");
  const version = parts[prefixLength - 1] ?? "";
  let rest_ = parts.slice(prefixLength);
  let namespace = "";
  if (rest_[0] === "namespaces" && rest_.length > 1) {
    namespace = rest_[1] ?? "";
    if (rest_.length > 2 && !NAMESPACE_SUBRESOURCES.has(rest_[2] ?? "")) rest_ = rest_.slice(2);
  }
  const [plural = "", pathName = "", ...sub] = rest_;
  const subresource = sub.join("/");
  const isWatch = ["1", "true"].includes(query.get("watch") ?? "");
  const collectionVerb = method === "DELETE" ? "deletecollection" : isWatch ? "watch" : "list";
  const onCollection = pathName === "" && method !== "POST";
  const verb =
    onCollection && (method === "GET" || method === "HEAD" || method === "DELETE")
      ? collectionVerb
      : (OBJECT_VERB[method] ?? method.toLowerCase());
  // A list of one name is authorized as that name, as resourceNames in roles want it.
  const name =
    pathName === "" && (verb === "list" || verb === "watch" || verb === "deletecollection")
      ? (/^metadata\.name==?([^,!=]+)$/.exec(query.get("fieldSelector") ?? "")?.[1] ?? "")
      : pathName;
  return { kind: "resource", verb, method, group, version, namespace, plural, subresource, name, query };
}

function segmentsOf(path: string): string[] {
  return path
    .split("/")
    .filter((part) => part !== "")
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        throw badRequest(`the path is not well escaped: ${JSON.stringify(path)}`);
      }
    });
}
