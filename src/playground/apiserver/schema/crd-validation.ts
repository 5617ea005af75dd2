import { isDeepStrictEqual } from "node:util";
import { copyJson } from "../object.ts";
import { compileRules } from "./cel/rule.ts";
import {
  type FieldError,
  valueForbidden,
  valueInvalid,
  valueNotSupported,
  valueRequired,
} from "./field-error.ts";
import type { JsonSchema } from "./json-schema.ts";
import { dns1035LabelProblems, dns1123SubdomainProblems } from "./name.ts";
import { pruneUnknown } from "./prune.ts";
import { schemaRuleErrors } from "./schema-rule.ts";
import { structuralityErrors } from "./structurality.ts";
import { compileValueCheck } from "./value-validation.ts";

/** `apiextensions.k8s.io/v1 CustomResourceDefinition`, after defaulting of its names. */
export interface CustomResourceDefinition {
  metadata: { name: string };
  spec: {
    group: string;
    scope: string;
    names: CrdNames;
    versions: CrdVersion[];
    conversion?: { strategy?: string };
    preserveUnknownFields?: boolean;
  };
  status?: { storedVersions?: string[] };
}

export interface CrdNames {
  plural: string;
  singular?: string;
  kind: string;
  listKind?: string;
  shortNames?: string[];
  categories?: string[];
}

export interface CrdVersion {
  name: string;
  served?: boolean;
  storage?: boolean;
  deprecated?: boolean;
  deprecationWarning?: string;
  schema?: { openAPIV3Schema?: JsonSchema };
  subresources?: { status?: object; scale?: { specReplicasPath?: string; statusReplicasPath?: string } };
  additionalPrinterColumns?: { name?: string; type?: string; format?: string; jsonPath?: string }[];
}

/** Returns all errors for which Kubernetes refuses a CRD, including CEL rules that do not compile. */
export function validateCustomResourceDefinition(
  crd: CustomResourceDefinition,
  old?: CustomResourceDefinition,
): FieldError[] {
  const { spec } = crd;
  const errors: FieldError[] = [];
  if (old === undefined) errors.push(...nameErrors(crd));

  if (!spec.group) errors.push(valueRequired("spec.group"));
  else if (dns1123SubdomainProblems(spec.group).length > 0) {
    errors.push(valueInvalid("spec.group", spec.group, dns1123SubdomainProblems(spec.group).join(",")));
  } else if (!spec.group.includes(".")) {
    errors.push(valueInvalid("spec.group", spec.group, "should be a domain with at least one dot"));
  }
  if (!spec.scope) errors.push(valueRequired("spec.scope"));
  else if (spec.scope !== "Cluster" && spec.scope !== "Namespaced") {
    errors.push(valueNotSupported("spec.scope", spec.scope, ["Cluster", "Namespaced"]));
  }
  errors.push(...versionErrors(spec.versions), ...namesErrors(spec.names));
  if (spec.conversion?.strategy !== undefined && spec.conversion.strategy !== "None") {
    // Kubernetes can convert through a webhook. This server cannot, so it refuses the strategy.
    const problem = "this API server calls no conversion webhooks: use None";
    errors.push(valueForbidden("spec.conversion.strategy", problem));
  }
  if (spec.preserveUnknownFields === true) {
    const detail =
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    errors.push(valueInvalid("spec.preserveUnknownFields", true, detail));
  }
  if (old !== undefined) errors.push(...immutabilityErrors(crd, old), ...storedVersionErrors(crd, old));
  return errors;
}

function nameErrors({ metadata: { name }, spec }: CustomResourceDefinition): FieldError[] {
  const problems = dns1123SubdomainProblems(name);
  if (name !== `${spec.names.plural}.${spec.group}`)
    problems.push('must be spec.names.plural+"."+spec.group');
  return problems.map((problem) => valueInvalid("metadata.name", name, problem));
}

/** Versions in which objects may be stored must not be removed. */
function storedVersionErrors(
  { spec }: CustomResourceDefinition,
  { status }: CustomResourceDefinition,
): FieldError[] {
  return (status?.storedVersions ?? []).flatMap((version, index) =>
    spec.versions.some(({ name }) => name === version)
      ? []
      : [
          valueInvalid(
            `status.storedVersions[${index}]`,
            version,
            `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`,
          ),
        ],
  );
}

function immutabilityErrors({ spec }: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] {
  const fixed: [string, string, string][] = [
    ["spec.scope", spec.scope, old.spec.scope],
    ["spec.names.kind", spec.names.kind, old.spec.names.kind],
    ["spec.group", spec.group, old.spec.group],
    ["spec.names.plural", spec.names.plural, old.spec.names.plural],
  ];
  return fixed
    .filter(([, value, before]) => value !== before)
    .map(([path, value]) => valueInvalid(path, value, "field is immutable"));
}

function versionErrors(versions: readonly CrdVersion[]): FieldError[] {
  const [first] = versions;
  // Kubernetes stores the members that all versions share at the top of the spec, and names errors by that place.
  const isShared = (member: SharedMember) =>
    versions.every((version) => isDeepStrictEqual(version[member], first?.[member]));
  const errors = versions.flatMap((version, index) => oneVersionErrors(version, index, isShared));
  if (first !== undefined && isShared("subresources")) errors.push(...subresourceErrors(first, "spec"));
  if (first !== undefined && isShared("additionalPrinterColumns"))
    errors.push(...columnErrors(first, "spec"));
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    errors.push(valueInvalid("spec.versions", versions, "must contain unique version names"));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    const detail = "must have exactly one version marked as storage version";
    errors.push(valueInvalid("spec.versions", versions, detail), storageVersionError(versions));
  }
  return errors;
}

/** Kubernetes reports a second error: there is no storage version, or the first and the last one differ. */
function storageVersionError(versions: readonly CrdVersion[]): FieldError {
  const stored = versions.filter(({ storage }) => storage).map(({ name }) => name);
  return stored.length === 0
    ? valueInvalid("status.storedVersions", null, "must have at least one stored version")
    : valueInvalid(
        "status.storedVersions",
        stored.slice(0, 1),
        `must have the storage version ${stored.at(-1)}`,
      );
}

type SharedMember = "schema" | "subresources" | "additionalPrinterColumns";

function oneVersionErrors(
  version: CrdVersion,
  index: number,
  isShared: (member: SharedMember) => boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  const path = `spec.versions[${index}]`;
  const problems = dns1035LabelProblems(version.name);
  if (problems.length > 0) errors.push(valueInvalid(`${path}.name`, version.name, problems.join(",")));
  if (!version.deprecated && version.deprecationWarning !== undefined) {
    const detail = "can only be set for deprecated versions";
    errors.push(valueInvalid(`${path}.deprecationWarning`, version.deprecationWarning, detail));
  }
  const schema = version.schema?.openAPIV3Schema;
  const shared = isShared("schema");
  if (schema === undefined) errors.push(valueRequired(`${path}.schema.openAPIV3Schema`));
  else if (!shared || index === 0) {
    const at = shared ? "spec.validation.openAPIV3Schema" : `${path}.schema.openAPIV3Schema`;
    errors.push(...schemaErrors(schema, at, version.subresources?.status !== undefined));
  }
  if (!isShared("subresources")) errors.push(...subresourceErrors(version, path));
  if (!isShared("additionalPrinterColumns")) errors.push(...columnErrors(version, path));
  return errors;
}

function schemaErrors(schema: JsonSchema, path: string, hasStatus: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (hasStatus && schema.type !== undefined && schema.type !== "object") {
    const detail =
      'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    errors.push(valueInvalid(`${path}.type`, schema.type, detail));
  }
  if (schema.nullable) errors.push(valueForbidden(`${path}.nullable`, "nullable cannot be true at the root"));
  errors.push(...structuralityErrors(schema, path), ...schemaRuleErrors(schema, path));
  // Do not check the rules of an invalid schema: their types would not be the intended ones.
  if (errors.length > 0) return errors;
  errors.push(...defaultErrors(schema, path));
  if (errors.length > 0) return errors;
  return compileRules(schema, path).problems.map((problem) =>
    problem.value === undefined
      ? { type: "InternalError", field: problem.schemaPath, message: `Internal error: ${problem.detail}` }
      : valueInvalid(problem.schemaPath, problem.value, problem.detail),
  );
}

/** Defaults must fit their own schema and have no unknown fields. */
function defaultErrors(schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.default !== undefined) {
    const at = `${path}.default`;
    const pruned = copyJson({ value: schema.default });
    pruneUnknown(pruned, { type: "object", properties: { value: schema } });
    if (!isDeepStrictEqual(pruned.value, schema.default)) {
      errors.push(valueInvalid(at, schema.default, "must not have unknown fields"));
    }
    const found = compileValueCheck(schema)(schema.default, "", undefined);
    errors.push(
      ...found.map((error) => ({
        ...error,
        field: error.field === "<nil>" ? at : `${at}.${error.field}`,
      })),
    );
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    errors.push(...defaultErrors(property, `${path}.properties[${name}]`));
  }
  if (schema.items !== undefined) errors.push(...defaultErrors(schema.items, `${path}.items`));
  return errors;
}

function subresourceErrors({ subresources }: CrdVersion, path: string): FieldError[] {
  const scale = subresources?.scale;
  if (scale === undefined) return [];
  const check = (member: "specReplicasPath" | "statusReplicasPath", root: string): FieldError[] => {
    const at = `${path}.subresources.scale.${member}`;
    const value = scale[member] ?? "";
    if (value === "") return [valueRequired(at)];
    if (!value.startsWith("."))
      return [valueInvalid(at, value, "must be a simple json path starting with .")];
    return value.startsWith(`${root}.`)
      ? []
      : [valueInvalid(at, value, `should be a json path under ${root}`)];
  };
  return [...check("specReplicasPath", ".spec"), ...check("statusReplicasPath", ".status")];
}

const COLUMN_TYPES = "boolean,date,integer,number,string";
const COLUMN_FORMATS = "byte,date,date-time,double,float,int32,int64,password";

function columnErrors({ additionalPrinterColumns = [] }: CrdVersion, versionPath: string): FieldError[] {
  return additionalPrinterColumns.flatMap(({ name, type, format, jsonPath }, index) => {
    const errors: FieldError[] = [];
    const path = `${versionPath}.additionalPrinterColumns[${index}]`;
    if (!name) errors.push(valueRequired(`${path}.name`));
    if (!type) errors.push(valueRequired(`${path}.type`, `must be one of ${COLUMN_TYPES}`));
    else if (!COLUMN_TYPES.split(",").includes(type)) {
      errors.push(valueInvalid(`${path}.type`, type, `must be one of ${COLUMN_TYPES}`));
    }
    if (format && !COLUMN_FORMATS.split(",").includes(format)) {
      errors.push(valueInvalid(`${path}.format`, format, `must be one of ${COLUMN_FORMATS}`));
    }
    if (!jsonPath) errors.push(valueRequired(`${path}.JSONPath`));
    else if (!jsonPath.startsWith(".")) {
      errors.push(valueInvalid(`${path}.JSONPath`, jsonPath, "must be a simple json path starting with ."));
    }
    return errors;
  });
}

function namesErrors(names: CrdNames): FieldError[] {
  const errors: FieldError[] = [];
  const path = "spec.names";
  for (const member of ["plural", "singular", "kind", "listKind"] as const) {
    const value = names[member] ?? "";
    if (value === "") {
      errors.push(valueRequired(`${path}.${member}`));
      continue;
    }
    const isKind = member === "kind" || member === "listKind";
    const problems = dns1035LabelProblems(isKind ? value.toLowerCase() : value);
    if (problems.length === 0) continue;
    const prefix = isKind ? "may have mixed case, but should otherwise match: " : "";
    errors.push(valueInvalid(`${path}.${member}`, value, `${prefix}${problems.join(",")}`));
  }
  if (names.kind && names.kind === names.listKind) {
    errors.push(valueInvalid(`${path}.listKind`, names.listKind, "kind and listKind may not be the same"));
  }
  for (const member of ["shortNames", "categories"] as const) {
    for (const [index, value] of (names[member] ?? []).entries()) {
      const problems = dns1035LabelProblems(value);
      if (problems.length > 0)
        errors.push(valueInvalid(`${path}.${member}[${index}]`, value, problems.join(",")));
    }
  }
  return errors;
}
