import { createHash } from "node:crypto";
import { canonicalJson } from "../canonical-json.ts";
import type { JsonObject } from "../object.ts";
import { createComponents, type OpenApiVersion } from "./component.ts";
import { pathsOf } from "./path.ts";
import type { ServedResource } from "./served-resource.ts";

export interface OpenApiDeps {
  resources(): Iterable<ServedResource>;
  /** Changes whenever a CRD does. The next request for a document then builds it again. */
  generation(): number | string;
  /** `v1.36.4` */
  gitVersion: string;
}

export interface OpenApi {
  /** `/openapi/v3`: where each group version's document is, its address changing with its content. */
  v3Index(): JsonObject;
  /** `/openapi/v3/apis/apps/v1`; undefined when there is no such group version. */
  v3Document(group: string, version: string): JsonObject | undefined;
  /** `/openapi/v2`, as JSON: the protobuf form is not served (406). */
  v2Document(): JsonObject;
}

const groupVersionPath = (group: string, version: string) =>
  group === "" ? `api/${version}` : `apis/${group}/${version}`;

/** Builds a document at the first request for it and keeps it until a CRD changes. */
export function createOpenApi(deps: OpenApiDeps): OpenApi {
  let generation: number | string | undefined;
  const documents = new Map<string, JsonObject>();

  function cached(key: string, build: () => JsonObject): JsonObject {
    const current = deps.generation();
    if (current !== generation) {
      documents.clear();
      generation = current;
    }
    const known = documents.get(key);
    if (known !== undefined) return known;
    const built = build();
    documents.set(key, built);
    return built;
  }

  const served = (path: string) =>
    [...deps.resources()].filter(({ group, version }) => groupVersionPath(group, version) === path);

  return {
    v3Index() {
      return cached("index", () => {
        const contents = new Map<string, ServedResource[]>();
        for (const resource of deps.resources()) {
          const path = groupVersionPath(resource.group, resource.version);
          contents.set(path, [...(contents.get(path) ?? []), resource]);
        }
        const paths: JsonObject = {};
        for (const [path, resources] of contents) {
          // Clients cache a document by its hash, also across restarts of the server. So the hash covers all that the document depends on.
          const content = canonicalJson([deps.gitVersion, resources]);
          const hash = createHash("sha256").update(content).digest("hex").toUpperCase();
          paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
        }
        return { paths };
      });
    },

    v3Document(group, version) {
      const path = groupVersionPath(group, version);
      const resources = served(path);
      if (resources.length === 0) return undefined;
      return cached(path, () => {
        const { paths, definitions } = describe(resources, "v3");
        return {
          openapi: "3.0.0",
          info: { title: "Kubernetes", version: deps.gitVersion },
          paths,
          components: { schemas: definitions },
        };
      });
    },

    v2Document() {
      return cached("v2", () => {
        const { paths, definitions } = describe([...deps.resources()], "v2");
        return {
          swagger: "2.0",
          info: { title: "Kubernetes", version: deps.gitVersion },
          paths,
          definitions,
        };
      });
    },
  };
}

function describe(resources: readonly ServedResource[], version: OpenApiVersion) {
  const components = createComponents(version);
  const paths: JsonObject = {};
  for (const resource of resources) {
    const { group, version: apiVersion, kind, schema } = resource;
    const groupVersionKind = { group, version: apiVersion, kind };
    const name =
      (schema === undefined ? components.addBuiltin(groupVersionKind) : undefined) ??
      components.addCustom(groupVersionKind, schema ?? { type: "object" });
    components.addList(groupVersionKind, name);
    Object.assign(paths, pathsOf(resource, components.ref(name), version));
  }
  return { paths, definitions: components.definitions };
}
