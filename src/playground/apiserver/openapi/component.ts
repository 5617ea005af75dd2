import { builtinDefinitionNames, builtinDefinitions } from "../builtin/schema.ts";
import type { JsonObject } from "../object.ts";
import type { JsonSchema } from "../schema/json-schema.ts";
import { modelText } from "./model.ts";

export type OpenApiVersion = "v2" | "v3";

type RawSchema = JsonSchema & { $ref?: string };

export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

const GVK = "x-kubernetes-group-version-kind";
const PREFIX: Record<OpenApiVersion, string> = { v2: "#/definitions/", v3: "#/components/schemas/" };

/** Clients find kinds by group, version and kind, and show only the last part of a name. */
const componentName = (definition: string) => `io.k8s.api.${definition}`;

/** Collects the schemas of one document, each once, with all schemas that it refers to. */
export function createComponents(version: OpenApiVersion) {
  const definitions: Record<string, JsonObject> = {};
  const ref = (name: string): JsonObject => ({ $ref: `${PREFIX[version]}${name}` });

  function addDefinition(definition: string): string {
    const name = componentName(definition);
    if (definitions[name] !== undefined) return name;
    const text = modelText(definition);
    const component: JsonObject = {};
    // Registered before its fields, because a type may contain itself.
    definitions[name] = component;
    Object.assign(component, described(publish(builtinDefinitions[definition] ?? {}), text.description));
    const properties = (component.properties ?? {}) as Record<string, JsonObject>;
    for (const [field, schema] of Object.entries(properties)) {
      properties[field] = described(schema, text.fields.get(field) ?? "");
    }
    return name;
  }

  /** A definition's schema with its references leading into this document. */
  function publish({ $ref, properties, items, additionalProperties, ...rest }: RawSchema): JsonObject {
    const published: JsonObject = { ...rest };
    if (properties !== undefined) {
      published.properties = Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [name, publish(property)]),
      );
    }
    if (items !== undefined) published.items = publish(items);
    if (additionalProperties !== undefined) {
      published.additionalProperties =
        typeof additionalProperties === "object" ? publish(additionalProperties) : additionalProperties;
    }
    return $ref === undefined ? published : { ...published, ...ref(addDefinition($ref)) };
  }

  /** OpenAPI 3.0 ignores members beside a `$ref`, so the `$ref` goes into an `allOf`, as in Kubernetes. */
  function described(schema: JsonObject, description: string): JsonObject {
    const { $ref, ...rest } = schema;
    const extras = { ...(description === "" ? {} : { description }), ...rest };
    if ($ref === undefined) return extras;
    return version === "v3" && Object.keys(extras).length > 0
      ? { ...extras, allOf: [{ $ref }] }
      : { ...extras, $ref };
  }

  return {
    definitions,
    ref,

    /** The name of a built-in kind's schema. Undefined for other kinds. */
    addBuiltin(gvk: GroupVersionKind): string | undefined {
      const definition = builtinDefinitionNames[`${gvk.group}/${gvk.kind}`];
      if (definition === undefined) return undefined;
      const name = addDefinition(definition);
      addKind(definitions[name] ?? {}, gvk);
      return name;
    },

    /** A custom resource's schema as its CRD has it, with the metadata that every object carries. */
    addCustom(gvk: GroupVersionKind, schema: JsonSchema): string {
      const name = [...gvk.group.split(".").reverse(), gvk.version, gvk.kind].join(".");
      const { apiVersion: _, kind: __, metadata: ___, ...properties } = schema.properties ?? {};
      definitions[name] = {
        ...schema,
        properties: {
          ...typeMembers(),
          metadata: described(ref(addDefinition("meta.v1.ObjectMeta")), METADATA_TEXT),
          ...properties,
        },
      };
      addKind(definitions[name] ?? {}, gvk);
      return name;
    },

    addList({ group, version: apiVersion, kind }: GroupVersionKind, itemName: string): void {
      const name = `${itemName}List`;
      const definition: JsonObject = {
        description: `${kind}List is a list of ${kind}`,
        type: "object",
        required: ["items"],
        properties: {
          ...typeMembers(),
          items: { type: "array", items: ref(itemName), description: `List of ${kind} objects.` },
          metadata: LIST_METADATA,
        },
      };
      definitions[name] ??= definition;
      addKind(definitions[name], { group, version: apiVersion, kind: `${kind}List` });
    },
  };
}

function addKind(definition: JsonObject, { group, version, kind }: GroupVersionKind): void {
  const kinds = (definition[GVK] ?? []) as GroupVersionKind[];
  if (!kinds.some((known) => known.group === group && known.version === version && known.kind === kind)) {
    kinds.push({ group, version, kind });
  }
  definition[GVK] = kinds;
}

function typeMembers(): JsonObject {
  return {
    apiVersion: { type: "string", description: API_VERSION_TEXT },
    kind: { type: "string", description: KIND_TEXT },
  };
}

const LIST_METADATA: JsonObject = {
  type: "object",
  properties: {
    continue: { type: "string" },
    remainingItemCount: { type: "integer", format: "int64" },
    resourceVersion: { type: "string" },
  },
};

const API_VERSION_TEXT =
  "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
const KIND_TEXT =
  "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
const METADATA_TEXT =
  "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
