import type { IncomingMessage } from "node:http";
import type { ServiceAccountTokens } from "../access/token.ts";
import type { createDiscovery } from "../discovery.ts";
import { mediaRanges } from "../media-type.ts";
import type { JsonObject } from "../object.ts";
import type { OpenApi } from "../openapi/document.ts";
import { methodNotAllowed, noSuchPath, notAcceptable } from "../refusal.ts";
import type { PathRequest } from "../request-info.ts";
import type { Answer } from "./answer.ts";

export interface PathHandlerDeps {
  discovery: ReturnType<typeof createDiscovery>;
  openApi: OpenApi;
  tokens: ServiceAccountTokens;
  jwksUri(): string;
}

const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** Serves the paths that are not resources: health, version, discovery, OpenAPI, the keys of ServiceAccount tokens. */
export function createPathHandler({ discovery, openApi, tokens, jwksUri }: PathHandlerDeps) {
  function document(path: string): JsonObject | undefined {
    switch (path) {
      case "/version":
        return discovery.version();
      case "/api":
        return discovery.coreVersions();
      case "/apis":
        return discovery.groupList();
      case "/openapi/v2":
        return openApi.v2Document();
      case "/openapi/v3":
        return openApi.v3Index();
      case "/.well-known/openid-configuration":
        return tokens.discovery(jwksUri());
      default:
    }
    const [, first, group = "", version, ...more] = path.split("/");
    if (first === "api" && version === undefined) return discovery.resourceList("", group);
    if (first === "apis" && more.length === 0) {
      return version === undefined ? discovery.group(group) : discovery.resourceList(group, version);
    }
    const schema = /^\/openapi\/v3\/(?:api\/([^/]+)|apis\/([^/]+)\/([^/]+))$/.exec(path);
    if (schema !== null) return openApi.v3Document(schema[2] ?? "", schema[3] ?? schema[1] ?? "");
    return undefined;
  }

  return async function handle(info: PathRequest, request: IncomingMessage, answer: Answer): Promise<void> {
    const path = info.path.length > 1 ? info.path.replace(/\/$/, "") : info.path;
    if (info.verb !== "get" && info.verb !== "head") {
      throw methodNotAllowed();
    }
    if (/^\/(healthz|livez|readyz)(\/|$)/.test(path)) return answer.text(200, "ok");
    if (path === "/openid/v1/jwks") {
      return answer.text(200, JSON.stringify(await tokens.jwks()), "application/jwk-set+json");
    }
    if ((path === "/api" || path === "/apis") && wantsAggregated(request.headers.accept)) {
      return answer.text(200, JSON.stringify(discovery.aggregated(path === "/api")), AGGREGATED);
    }
    if (path === "/openapi/v2" && !acceptsJson(request.headers.accept))
      throw notAcceptable(["application/json"]);
    if (path === "/")
      return answer.send(200, {
        paths: ["/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"],
      });
    const found = document(path);
    if (found === undefined) throw noSuchPath();
    answer.text(200, JSON.stringify(found), "application/json");
  };
}

function wantsAggregated(accept: string | undefined): boolean {
  return mediaRanges(accept ?? "").some(
    ({ type, parameters }) =>
      type === "application/json" &&
      parameters.g === "apidiscovery.k8s.io" &&
      parameters.v === "v2" &&
      parameters.as === "APIGroupDiscoveryList",
  );
}

function acceptsJson(accept: string | undefined): boolean {
  const ranges = mediaRanges(accept ?? "");
  return (
    ranges.length === 0 ||
    ranges.some(({ type }) => ["application/json", "application/*", "*/*"].includes(type))
  );
}
