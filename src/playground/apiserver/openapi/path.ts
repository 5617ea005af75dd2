import type { JsonObject } from "../object.ts";
import type { OpenApiVersion } from "./component.ts";
import type { ServedResource } from "./served-resource.ts";

const PATCH_TYPES = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
];
/** For built-in kinds only: kubectl sends a strategic merge patch to each kind that lists the type. */
const BUILT_IN_PATCH_TYPES = [...PATCH_TYPES, "application/strategic-merge-patch+json"];

/**
 * For each verb of discovery: the HTTP method, and Kubernetes' name of the action. First for collections, then for
 * single objects.
 */
const COLLECTION: Record<string, [string, string]> = {
  list: ["get", "list"],
  create: ["post", "post"],
  deletecollection: ["delete", "deletecollection"],
};
const OBJECT: Record<string, [string, string]> = {
  get: ["get", "get"],
  update: ["put", "put"],
  patch: ["patch", "patch"],
  delete: ["delete", "delete"],
};

/** The paths of one resource. kubectl reads them to find out what a server can do with a kind. */
export function pathsOf(resource: ServedResource, schema: JsonObject, version: OpenApiVersion): JsonObject {
  const { group, version: apiVersion, namespaced, resource: plural, verbs } = resource;
  const root = group === "" ? `/api/${apiVersion}` : `/apis/${group}/${apiVersion}`;
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const pathParameters = namespaced ? ["namespace"] : [];
  const operations = (table: Record<string, [string, string]>): JsonObject =>
    Object.fromEntries(
      verbs.flatMap((verb) => {
        const entry = Object.hasOwn(table, verb) ? table[verb] : undefined;
        return entry === undefined ? [] : [[entry[0], operation(resource, entry[1], schema, version)]];
      }),
    );
  const paths: JsonObject = {
    [collection]: {
      ...operations(COLLECTION),
      parameters: pathParameters.map((name) => parameter(name, "path", version)),
    },
    [`${collection}/{name}`]: {
      ...operations(OBJECT),
      parameters: ["name", ...pathParameters].map((name) => parameter(name, "path", version)),
    },
  };
  if (namespaced && verbs.includes("list")) {
    paths[`${root}/${plural}`] = { get: operation(resource, "list", schema, version) };
  }
  return paths;
}

function operation(
  { group, version: apiVersion, kind, schema: customSchema }: ServedResource,
  action: string,
  schema: JsonObject,
  version: OpenApiVersion,
): JsonObject {
  const writes = action === "post" || action === "put" || action === "patch";
  const names = writes
    ? ["dryRun", "fieldManager", "fieldValidation", ...(action === "patch" ? ["force"] : [])]
    : action.startsWith("delete")
      ? ["dryRun", "gracePeriodSeconds", "propagationPolicy"]
      : action === "list"
        ? ["continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "watch"]
        : [];
  const parameters = names.map((name) => parameter(name, "query", version));
  // The shape of a patch depends on its type, so the schema allows any object.
  const bodySchema = action === "patch" ? { type: "object" } : schema;
  const patchTypes = customSchema === undefined ? BUILT_IN_PATCH_TYPES : PATCH_TYPES;
  const types = action === "patch" ? patchTypes : ["application/json", "application/yaml"];
  const body =
    version === "v3"
      ? {
          requestBody: {
            content: Object.fromEntries(types.map((type) => [type, { schema: bodySchema }])),
            required: true,
          },
        }
      : { consumes: types };
  if (writes && version === "v2")
    parameters.push({ name: "body", in: "body", required: true, schema: bodySchema });
  const answer =
    version === "v3"
      ? { description: "OK", content: { "application/json": { schema } } }
      : { description: "OK", schema };
  return {
    ...(writes ? body : {}),
    parameters,
    responses: { "200": answer },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": { group, version: apiVersion, kind },
  };
}

const INTEGERS = new Set(["limit", "gracePeriodSeconds"]);
const BOOLEANS = new Set(["watch", "force"]);

function parameter(name: string, place: "path" | "query", version: OpenApiVersion): JsonObject {
  const type = INTEGERS.has(name) ? "integer" : BOOLEANS.has(name) ? "boolean" : "string";
  return {
    name,
    in: place,
    ...(place === "path" ? { required: true } : {}),
    uniqueItems: true,
    ...(version === "v3" ? { schema: { type, uniqueItems: true } } : { type }),
  };
}
