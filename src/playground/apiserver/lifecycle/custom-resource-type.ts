import { objectMetaSchema } from "../builtin/schema.ts";
import { type ApiObject, apiVersionOf } from "../object.ts";
import { byPriority } from "../registry.ts";
import { ALL_VERBS, type CustomColumn, type ResourceType, storageKey } from "../resource-type.ts";
import type { CrdNames, CrdVersion } from "../schema/crd-validation.ts";
import type { JsonSchema } from "../schema/json-schema.ts";
import { compileStructuralSchema } from "../schema/structural-schema.ts";

export interface CrdSpec {
  group: string;
  scope: "Namespaced" | "Cluster";
  names: CrdNames;
  versions: (CrdVersion & {
    additionalPrinterColumns?: CustomColumn[];
    selectableFields?: { jsonPath: string }[];
    subresources?: {
      status?: object;
      scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string };
    };
  })[];
}

/** The served versions of a CRD as resource types. All are stored in one place, in the form of the storage version. */
export function customResourceTypes(crd: ApiObject): ResourceType[] {
  const { group, scope, names, versions } = crd.spec as CrdSpec;
  const storageVersion = versions.find(({ storage }) => storage === true)?.name ?? "";
  return versions
    .filter(({ served }) => served === true)
    .map((version): ResourceType => {
      const schema: JsonSchema = version.schema?.openAPIV3Schema ?? { type: "object" };
      const scale = version.subresources?.scale;
      return {
        group,
        version: version.name,
        plural: names.plural,
        singular: names.singular || names.kind.toLowerCase(),
        kind: names.kind,
        listKind: names.listKind || `${names.kind}List`,
        namespaced: scope === "Namespaced",
        shortNames: names.shortNames ?? [],
        categories: names.categories ?? [],
        verbs: ALL_VERBS,
        ...(version.deprecated === true
          ? { deprecationWarning: deprecationWarning(crd.spec as CrdSpec, version) }
          : {}),
        subresources: new Set([
          ...(version.subresources?.status === undefined ? [] : (["status"] as const)),
          ...(scale === undefined ? [] : (["scale"] as const)),
        ]),
        storage: storageKey(group, names.plural),
        ...(version.name === storageVersion
          ? {}
          : {
              // Conversion strategy None: the versions differ only in their name.
              storageConversion: {
                toStorage: (object) => ({ ...object, apiVersion: apiVersionOf(group, storageVersion) }),
                fromStorage: (object) => ({ ...object, apiVersion: apiVersionOf(group, version.name) }),
              },
            }),
        schema: { ...schema, properties: { ...schema.properties, metadata: objectMetaSchema } },
        custom: {
          columns: version.additionalPrinterColumns ?? [],
          selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) =>
            jsonPath.replace(/^\./, ""),
          ),
          ...(scale === undefined ? {} : { scale }),
          structure: compileStructuralSchema(schema, { group, kind: names.kind, scope }),
        },
      };
    });
}

/** The CRD's own text, or one that names the newest version that is not deprecated. */
function deprecationWarning({ group, names, versions }: CrdSpec, version: CrdVersion): string {
  if (version.deprecationWarning !== undefined) return version.deprecationWarning;
  const [newest] = versions
    .filter(({ served, deprecated }) => served === true && deprecated !== true)
    .map(({ name }) => name)
    .filter((name) => byPriority(name, version.name) < 0)
    .sort(byPriority);
  const text = `${group}/${version.name} ${names.kind} is deprecated`;
  return newest === undefined ? text : `${text}; use ${group}/${newest} ${names.kind}`;
}
