import { GROUP, type KindDefinition, VERSION } from "./kind.ts";
import type { KubernetesObject } from "./object.ts";

export interface CustomResourceDefinition extends KubernetesObject {
  spec: object;
}

/** Kinds whose names become namespaces and labels. A longer name would not fit. */
const MAX_NAME_LENGTH: Record<string, number> = { Sovereign: 53, Organization: 59 };

/** The status of an object before the operator has observed it. Without it, kstatus reports a new object as ready. */
const UNOBSERVED = { observedGeneration: -1 };

/** The kind as a CustomResourceDefinition: one version, served and stored, with a status subresource. */
export function toCustomResourceDefinition(definition: KindDefinition): CustomResourceDefinition {
  const { kind, plural, singular, shortNames, scope, description, spec, status, printerColumns } = definition;
  const maxNameLength = MAX_NAME_LENGTH[kind];
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope,
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames, categories: ["catalyst"] },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: printerColumns,
          schema: {
            openAPIV3Schema: {
              type: "object",
              description,
              required: ["spec"],
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: { type: "object" },
                spec: plain(spec),
                status: { ...plain(status), default: UNOBSERVED },
              },
              ...(maxNameLength === undefined
                ? {}
                : {
                    "x-kubernetes-validations": [
                      {
                        rule: `self.metadata.name.size() <= ${maxNameLength}`,
                        message: `metadata.name must have at most ${maxNameLength} characters, so that the namespaces named after it fit`,
                      },
                      {
                        rule: "!self.metadata.name.contains('.')",
                        message:
                          "metadata.name must not contain a dot, because namespaces are named after it: replace each dot with a dash",
                      },
                    ],
                  }),
            },
          },
        },
      ],
    },
  };
}

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  required?: string[];
  default?: unknown;
}

/**
 * The schema as plain JSON. A field with a default is always present in a stored object, so the types require it. A
 * manifest may omit it, so the CRD must not.
 */
function plain(schema: object): object {
  return withoutDefaultedRequirements(JSON.parse(JSON.stringify(schema)));
}

function withoutDefaultedRequirements(node: SchemaNode): SchemaNode {
  const { properties, items, required, ...rest } = node;
  const stillRequired = required?.filter((name) => properties?.[name]?.default === undefined) ?? [];
  return {
    ...rest,
    ...(stillRequired.length > 0 ? { required: stillRequired } : {}),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, child]) => [name, withoutDefaultedRequirements(child)]),
      ),
    }),
    ...(items && { items: withoutDefaultedRequirements(items) }),
  };
}
