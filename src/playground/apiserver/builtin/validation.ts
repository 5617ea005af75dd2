import { isDeepStrictEqual } from "node:util";
import { validateAdmissionConfiguration } from "../admission/configuration-validation.ts";
import { matchesLabels, requirementsOf } from "../label-selector.ts";
import { type ApiObject, isRecord, listOf, recordOf, recordsOf } from "../object.ts";
import type { ResourceType } from "../resource-type.ts";
import { type CustomResourceDefinition, validateCustomResourceDefinition } from "../schema/crd-validation.ts";
import {
  childPath,
  type FieldError,
  indexPath,
  keyPath,
  valueForbidden,
  valueInvalid,
  valueNotSupported,
  valueRequired,
} from "../schema/field-error.ts";
import type { JsonSchema } from "../schema/json-schema.ts";
import { dataErrors } from "./data-validation.ts";

/**
 * The errors of a built-in object. It checks only the rules of Kubernetes that writers rely on: required fields,
 * enumerations and immutable fields.
 */
export function builtinErrors(object: ApiObject, type: ResourceType, live?: ApiObject): FieldError[] {
  const { metadata, status, ...rest } = object;
  switch (type.storage) {
    case "apiextensions.k8s.io/customresourcedefinitions":
      return validateCustomResourceDefinition(
        object as unknown as CustomResourceDefinition,
        live as unknown as CustomResourceDefinition | undefined,
      );
    case "admissionregistration.k8s.io/validatingwebhookconfigurations":
    case "admissionregistration.k8s.io/mutatingwebhookconfigurations":
    case "admissionregistration.k8s.io/validatingadmissionpolicies":
    case "admissionregistration.k8s.io/validatingadmissionpolicybindings":
      return validateAdmissionConfiguration(object);
    default:
      return [
        ...shapeErrors(rest, type.schema, "", type.storage),
        ...selectorErrors(object, type),
        ...imageErrors(object, type),
        ...dataErrors(object, type),
        ...(live === undefined ? [] : immutableErrors(object, live, type)),
      ];
  }
}

// Required in the published schema, but Kubernetes accepts objects without them.
const MAY_BE_ABSENT = new Set(["rules", "metadata", "status", "involvedObject"]);

function shapeErrors(
  value: unknown,
  schema: JsonSchema | undefined,
  path: string,
  storage: string,
): FieldError[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => shapeErrors(item, schema.items, indexPath(path, index), storage));
  }
  if (
    typeof value === "string" &&
    schema.enum !== undefined &&
    value !== "" &&
    !schema.enum.includes(value)
  ) {
    return [valueNotSupported(path, value, schema.enum.map(String).sort())];
  }
  if (!isRecord(value)) return [];
  const errors: FieldError[] = [];
  for (const name of schema.required ?? []) {
    const member = value[name];
    const empty =
      member === undefined ||
      member === null ||
      member === "" ||
      (Array.isArray(member) && member.length === 0);
    if (empty && !MAY_BE_ABSENT.has(name)) errors.push(valueRequired(childPath(path, name)));
  }
  for (const [name, member] of Object.entries(value)) {
    const property =
      schema.properties !== undefined && Object.hasOwn(schema.properties, name)
        ? schema.properties[name]
        : undefined;
    if (property !== undefined) errors.push(...shapeErrors(member, property, childPath(path, name), storage));
    else if (typeof schema.additionalProperties === "object") {
      errors.push(...shapeErrors(member, schema.additionalProperties, keyPath(path, name), storage));
    }
  }
  return errors;
}

// The path of the Pod spec in each kind.
const POD_SPEC: Record<string, string> = {
  "/pods": "spec",
  "apps/deployments": "spec.template.spec",
  "apps/replicasets": "spec.template.spec",
  "apps/statefulsets": "spec.template.spec",
  "apps/daemonsets": "spec.template.spec",
  "batch/jobs": "spec.template.spec",
  "batch/cronjobs": "spec.jobTemplate.spec.template.spec",
};

/** A container needs an image, although the schema does not require it. */
function imageErrors(object: ApiObject, type: ResourceType): FieldError[] {
  const path = POD_SPEC[type.storage];
  if (path === undefined) return [];
  return ["containers", "initContainers"].flatMap((list) =>
    listOf(at(object, `${path}.${list}`)).flatMap((container, index) =>
      recordOf(container).image ? [] : [valueRequired(`${path}.${list}[${index}].image`)],
    ),
  );
}

const SELECTING = new Set(["apps/deployments", "apps/replicasets", "apps/statefulsets", "apps/daemonsets"]);

function selectorErrors(object: ApiObject, type: ResourceType): FieldError[] {
  if (!SELECTING.has(type.storage)) return [];
  const spec = recordOf(object.spec);
  const selector = recordOf(spec.selector);
  const requirements = requirementsOf(selector);
  const labelsPath = "spec.template.metadata.labels";
  const mismatch = "`selector` does not match template `labels`";
  const labels = recordOf(recordOf(recordOf(spec.template).metadata).labels);
  if (spec.selector === undefined) return [valueInvalid(labelsPath, null, mismatch)];
  if (requirements.length === 0) {
    return [valueInvalid("spec.selector", selector, "empty selector is invalid for deployment")];
  }
  return matchesLabels(requirements, labels as Record<string, string>)
    ? []
    : [valueInvalid(labelsPath, labels, mismatch)];
}

// By storage: the paths that cannot change after creation.
const IMMUTABLE: Record<string, readonly string[]> = {
  "apps/deployments": ["spec.selector"],
  "apps/replicasets": ["spec.selector"],
  "apps/daemonsets": ["spec.selector"],
  "apps/statefulsets": ["spec.selector", "spec.serviceName", "spec.podManagementPolicy"],
  "batch/jobs": ["spec.selector", "spec.template", "spec.completionMode"],
  "/secrets": ["type"],
  "/services": ["spec.clusterIP"],
};

function immutableErrors(object: ApiObject, live: ApiObject, type: ResourceType): FieldError[] {
  const errors = (IMMUTABLE[type.storage] ?? []).flatMap((path) => {
    const [next, before] = [at(object, path), at(live, path)];
    const clusterIpMayGo =
      path === "spec.clusterIP" && (before === undefined || at(object, "spec.type") === "ExternalName");
    return isDeepStrictEqual(next, before) || clusterIpMayGo
      ? []
      : [valueInvalid(path, next, "field is immutable")];
  });
  if (type.storage === "/pods") errors.push(...podErrors(object, live));
  if (type.storage === "/configmaps" || type.storage === "/secrets")
    errors.push(...frozenErrors(object, live));
  if (type.group === "rbac.authorization.k8s.io" && !isDeepStrictEqual(object.roleRef, live.roleRef)) {
    errors.push(valueInvalid("roleRef", object.roleRef, "cannot change roleRef"));
  }
  return errors;
}

function at(object: ApiObject, path: string): unknown {
  return path.split(".").reduce<unknown>((value, step) => recordOf(value)[step], object);
}

/** ConfigMaps and Secrets with `immutable: true`. */
function frozenErrors(object: ApiObject, live: ApiObject): FieldError[] {
  if (live.immutable !== true) return [];
  return ["immutable", "data", "binaryData"]
    .filter((name) => !isDeepStrictEqual(object[name], live[name]))
    .map((name) => valueForbidden(name, "field is immutable when `immutable` is set"));
}

/** In a Pod's spec, only the images and a few numbers may change. */
function podErrors(object: ApiObject, live: ApiObject): FieldError[] {
  const fixed = (pod: ApiObject) => {
    const {
      activeDeadlineSeconds,
      terminationGracePeriodSeconds,
      tolerations,
      schedulingGates,
      nodeName,
      ...spec
    } = recordOf(pod.spec);
    const withoutImages = (containers: unknown) =>
      recordsOf(containers).map(({ image, ...container }) => container);
    return {
      ...spec,
      containers: withoutImages(spec.containers),
      initContainers: withoutImages(spec.initContainers),
    };
  };
  const bound = recordOf(live.spec).nodeName;
  const rebound = bound !== undefined && bound !== recordOf(object.spec).nodeName;
  return isDeepStrictEqual(fixed(object), fixed(live)) && !rebound
    ? []
    : [
        valueForbidden(
          "spec",
          "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        ),
      ];
}
