import { badRequest } from "./refusal.ts";

/** The meaning of a request's method and path. */
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

/** Reads a path as Kubernetes does: `/api/v1/…` and `/apis/GROUP/VERSION/…` name resources, all others are plain paths. */
export function parseRequestInfo(method: string, url: string): RequestInfo {
  const [path = "/", ...rest] = url.split("?");
  const query = new URLSearchParams(rest.join("?"));
  const segments = segmentsOf(path);
  const prefixLength = PREFIX_LENGTH.get(segments[0] ?? "") ?? 0;
  if (prefixLength === 0 || segments.length <= prefixLength) {
    return { kind: "path", verb: method.toLowerCase(), path, query };
  }
  const group = segments[0] === "api" ? "" : (segments[1] ?? "");
  const version = segments[prefixLength - 1] ?? "";
  const place = placeOf(segments.slice(prefixLength));
  const verb = verbOf(method, place.name, query);
  const name = place.name === "" && COLLECTION_VERBS.has(verb) ? selectedName(query) : place.name;
  return { kind: "resource", verb, method, group, version, ...place, name, query };
}

/** Whether the request is about a connection to a port of a Pod. */
export function isPortForward({ group, plural, subresource }: ResourceRequest): boolean {
  return group === "" && plural === "pods" && subresource === "portforward";
}

/** The one port that a request for a connection names. */
export function forwardedPort(query: URLSearchParams): number {
  const ports = query.getAll("ports").flatMap((text) => text.split(","));
  const [port] = ports.map(Number);
  if (ports.length !== 1 || port === undefined || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw badRequest('query parameter "ports" must be one port');
  return port;
}

const PREFIX_LENGTH = new Map([
  ["api", 2],
  ["apis", 3],
]);
const COLLECTION_VERBS = new Set(["list", "watch", "deletecollection"]);

/** The part of a path after the group and version. */
function placeOf(
  segments: readonly string[],
): Pick<ResourceRequest, "namespace" | "plural" | "name" | "subresource"> {
  const [first, second = "", third] = segments;
  const inNamespace = first === "namespaces" && segments.length > 1;
  // `/namespaces/a/status` is a subresource of a Namespace, `/namespaces/a/pods` a collection in it.
  const isBelow = inNamespace && third !== undefined && !NAMESPACE_SUBRESOURCES.has(third);
  const [plural = "", name = "", ...subresource] = isBelow ? segments.slice(2) : segments;
  return { namespace: inNamespace ? second : "", plural, name, subresource: subresource.join("/") };
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  if (name === "" && method === "DELETE") return "deletecollection";
  if (name === "" && (method === "GET" || method === "HEAD")) {
    return ["1", "true"].includes(query.get("watch") ?? "") ? "watch" : "list";
  }
  return OBJECT_VERB[method] ?? method.toLowerCase();
}

/** A list of one name is authorized as a request for that name, because `resourceNames` of a role applies to it. */
function selectedName(query: URLSearchParams): string {
  return /^metadata\.name==?([^,!=]+)$/.exec(query.get("fieldSelector") ?? "")?.[1] ?? "";
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
