import type { ResourceType } from "../resource-type.ts";
import type { JsonSchema } from "../schema/json-schema.ts";

/** One resource that the server serves in one version. */
export interface ServedResource {
  group: string;
  version: string;
  kind: string;
  /** The plural, as in the path. */
  resource: string;
  namespaced: boolean;
  /** The verbs as in discovery: `create`, `list`, `patch`, … */
  verbs: readonly string[];
  /** Set for custom resources; the schemas of built-in kinds are part of this package. */
  schema?: JsonSchema;
}

export function servedResource(type: ResourceType): ServedResource {
  return {
    group: type.group,
    version: type.version,
    kind: type.kind,
    resource: type.plural,
    namespaced: type.namespaced,
    verbs: type.verbs,
    ...(type.custom === undefined || type.schema === undefined ? {} : { schema: type.schema }),
  };
}
