import { expect } from "vitest";
import { eventually } from "../../wait.ts";
import type { Bench } from "./behaviour.ts";

export const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** The schema of the custom kind: each sort of field that an API server treats in its own way. */
const gadgetSchema = {
  type: "object",
  required: ["spec"],
  properties: {
    spec: {
      type: "object",
      description: "What the gadget should be.",
      required: ["size"],
      "x-kubernetes-validations": [
        { rule: "self.size != 7", message: "seven is not a size", fieldPath: ".size" },
        {
          rule: "!has(self.replicas) || self.replicas <= self.size * 100",
          messageExpression: "'too many replicas for a ' + (self.size > 5 ? 'large' : 'small') + ' gadget'",
          reason: "FieldValueForbidden",
        },
        { rule: "has(self.region) == has(oldSelf.region)", message: "region is chosen at creation" },
      ],
      properties: {
        size: { type: "integer", minimum: 1, maximum: 10, description: "How large it is." },
        colour: { type: "string", default: "grey", maxLength: 10 },
        replicas: { type: "integer", format: "int32" },
        mode: { type: "string", enum: ["Fast", "Slow"] },
        code: { type: "string", pattern: "^[A-Z]+$" },
        since: { type: "string", format: "date-time" },
        note: { type: "string", nullable: true },
        port: { "x-kubernetes-int-or-string": true },
        region: {
          type: "string",
          maxLength: 20,
          "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "region is immutable" }],
        },
        free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        labels: { type: "object", additionalProperties: { type: "string" } },
        tags: {
          type: "array",
          maxItems: 5,
          items: { type: "string" },
          "x-kubernetes-list-type": "set",
        },
        parts: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["id"],
          items: {
            type: "object",
            required: ["id"],
            properties: {
              id: { type: "string" },
              weight: { type: "integer", default: 5 },
              unit: { type: "string" },
            },
          },
        },
        settings: {
          type: "object",
          "x-kubernetes-map-type": "atomic",
          properties: { one: { type: "string" }, two: { type: "string" } },
        },
      },
    },
    status: {
      type: "object",
      properties: {
        replicas: { type: "integer" },
        selector: { type: "string" },
        conditions: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["type"],
          items: {
            type: "object",
            required: ["type"],
            properties: { type: { type: "string" }, status: { type: "string" } },
          },
        },
      },
    },
  },
};

const version = {
  served: true,
  subresources: {
    status: {},
    scale: {
      specReplicasPath: ".spec.replicas",
      statusReplicasPath: ".status.replicas",
      labelSelectorPath: ".status.selector",
    },
  },
  additionalPrinterColumns: [
    { name: "Size", type: "integer", jsonPath: ".spec.size", description: "How large it is" },
    { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: "Colour", type: "string", jsonPath: ".spec.colour", priority: 1 },
    { name: "Since", type: "date", jsonPath: ".spec.since" },
  ],
  selectableFields: [{ jsonPath: ".spec.colour" }],
  schema: { openAPIV3Schema: gadgetSchema },
};

/** A definition with two served versions. */
export const gadgetDefinition = definitionOf("gadget", {
  names: { plural: "gadgets", kind: "Gadget", shortNames: ["gd"], categories: ["toys"] },
  versions: [
    { name: "v1", storage: true, ...version },
    { name: "v1beta1", storage: false, deprecated: true, ...version },
    { name: "v1alpha1", storage: false, ...version, served: false },
  ],
});

/** A definition of a kind with one version. */
export function definitionOf(singular: string, changes: object = {}, schema: object = gadgetSchema) {
  const group = "conformance.example.org";
  const kind = `${singular.charAt(0).toUpperCase()}${singular.slice(1)}`;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural: `${singular}s`, kind },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      ...changes,
    },
  };
}

/** Creates a definition, and waits until its kind is served. Returns the path of its objects in the namespace. */
export async function define(
  { must, send, name }: Pick<Bench, "must" | "send" | "name">,
  definition: ReturnType<typeof definitionOf>,
): Promise<string> {
  await must("POST", CRDS, definition);
  const { group, names } = definition.spec;
  const path = `/apis/${group}/v1/namespaces/${name}/${names.plural}`;
  await eventually(async () => expect((await send("GET", path)).status).toBe(200));
  return path;
}
