import type { JsonSchema } from "../schema/json-schema.ts";
import { mergeExtensions } from "./builtin.ts";
import { MERGING } from "./merge-key.ts";
import { modelFields, modelText } from "./model.ts";

type Json = Record<string, unknown>;
export type OpenApiVersion = "v2" | "v3";

interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

const GVK = "x-kubernetes-group-version-kind";
const REF: Record<OpenApiVersion, string> = { v2: "#/definitions/", v3: "#/components/schemas/" };

/**
 * What a schema is called in a document: `io.k8s.api.v1.PodSpec`. Clients find kinds by their group, version and
 * kind, and show the last part of the name alone.
 */
export function componentName(model: string): string {
  const match = /^([A-Z][a-z]*?)?(V\d+(?:(?:alpha|beta)\d+)?)([A-Z].*)$/.exec(model);
  if (match === null) return `io.k8s.api.${model}`;
  const [, group, version = "", name] = match;
  return ["io.k8s.api", group?.toLowerCase(), version.toLowerCase(), name]
    .filter((part) => part !== undefined)
    .join(".");
}

/** Collects the schemas of one document; each model once, with what it refers to. */
export function createComponents(version: OpenApiVersion) {
  const definitions: Record<string, Json> = {};
  const ref = (name: string): Json => ({ $ref: `${REF[version]}${name}` });

  function addModel(model: string, groupVersionKind?: GroupVersionKind): string {
    const name = componentName(model);
    const known = definitions[name];
    if (known !== undefined) {
      if (groupVersionKind !== undefined) addKind(known, groupVersionKind);
      return name;
    }
    const text = modelText(model);
    const properties: Json = {};
    const definition: Json = {
      ...(text.description === "" ? {} : { description: text.description }),
      type: "object",
      ...(text.required.length === 0 ? {} : { required: text.required }),
      properties,
      ...mergeExtensions(MERGING[model]?.[""]),
    };
    // Known before its fields are: a type may contain itself.
    definitions[name] = definition;
    if (groupVersionKind !== undefined) addKind(definition, groupVersionKind);
    for (const field of modelFields(model) ?? []) {
      const description = text.fields.get(field.name);
      const schema = fieldSchema(field.type, field.format);
      const extras = {
        ...(description === undefined ? {} : { description }),
        ...mergeExtensions(MERGING[model]?.[field.name]),
      };
      properties[field.name] = withExtras(schema, extras);
    }
    return name;
  }

  /** OpenAPI 3.0 ignores what stands beside a `$ref`: it goes into an `allOf`, as Kubernetes does it. */
  function withExtras(schema: Json, extras: Json): Json {
    const bare = Object.keys(extras).length === 0;
    if (bare) return schema;
    return version === "v3" && "$ref" in schema ? { ...extras, allOf: [schema] } : { ...extras, ...schema };
  }

  function fieldSchema(type: string, format: string): Json {
    const list = /^Array<(.+)>$/.exec(type);
    if (list !== null) return { type: "array", items: fieldSchema(list[1] ?? "any", format) };
    const map = /^\{ \[key: string\]: (.+); \}$/.exec(type);
    if (map !== null) return { type: "object", additionalProperties: fieldSchema(map[1] ?? "any", format) };
    switch (type) {
      case "string":
      case "boolean":
        return format === "" ? { type } : { type, format };
      case "Date":
      case "V1MicroTime":
        return { type: "string", format: "date-time" };
      case "number":
        if (format === "double") return { type: "number", format };
        return format === "" ? { type: "integer" } : { type: "integer", format };
      case "IntOrString":
        return version === "v2"
          ? { type: "string", format: "int-or-string" }
          : { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] };
      case "any":
        return version === "v2" ? {} : { "x-kubernetes-preserve-unknown-fields": true };
      default:
        return modelFields(type) === undefined ? { type: "object" } : ref(addModel(type));
    }
  }

  return {
    definitions,
    ref,
    addModel,

    /** A custom resource's schema as its CRD has it, with the metadata that every object carries. */
    addCustom(groupVersionKind: GroupVersionKind, schema: JsonSchema): string {
      const { group, version: apiVersion, kind } = groupVersionKind;
      const name = [...group.split(".").reverse(), apiVersion, kind].join(".");
      const definition: Json = {
        ...(publicSchema(schema) as Json),
        properties: {
          apiVersion: { type: "string", description: API_VERSION_TEXT },
          kind: { type: "string", description: KIND_TEXT },
          metadata: withExtras(ref(addModel("V1ObjectMeta")), { description: METADATA_TEXT }),
          ...(publicSchema(schema.properties ?? {}, ["apiVersion", "kind", "metadata"]) as Json),
        },
      };
      definitions[name] = definition;
      addKind(definition, groupVersionKind);
      return name;
    },

    addList(groupVersionKind: GroupVersionKind, itemName: string): string {
      const { group, version: apiVersion, kind } = groupVersionKind;
      const name = `${itemName}List`;
      if (definitions[name] !== undefined) return name;
      const definition: Json = {
        description: `${kind}List is a list of ${kind}`,
        type: "object",
        required: ["items"],
        properties: {
          apiVersion: { type: "string", description: API_VERSION_TEXT },
          items: { type: "array", items: ref(itemName), description: `List of ${kind} objects.` },
          kind: { type: "string", description: KIND_TEXT },
          metadata: ref(addModel("V1ListMeta")),
        },
      };
      definitions[name] = definition;
      addKind(definition, { group, version: apiVersion, kind: `${kind}List` });
      return name;
    },
  };
}

function addKind(definition: Json, { group, version, kind }: GroupVersionKind): void {
  const kinds = (definition[GVK] ?? []) as GroupVersionKind[];
  if (!kinds.some((known) => known.group === group && known.version === version && known.kind === kind)) {
    kinds.push({ group, version, kind });
  }
  definition[GVK] = kinds;
}

/** A CRD's schema without what speaks to the server alone. */
function publicSchema(schema: unknown, without: readonly string[] = []): unknown {
  if (Array.isArray(schema)) return schema.map((item) => publicSchema(item));
  if (schema === null || typeof schema !== "object") return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name]) => !without.includes(name))
      .map(([name, member]) => [name, publicSchema(member)]),
  );
}

const API_VERSION_TEXT =
  "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
const KIND_TEXT =
  "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
const METADATA_TEXT =
  "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
