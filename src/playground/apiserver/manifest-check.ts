import { builtinResourceTypes } from "./builtin/resource.ts";
import { customResourceTypes } from "./lifecycle/custom-resource-type.ts";
import { type ApiObject, apiVersionOf, copyJson, recordOf } from "./object.ts";
import type { ResourceType } from "./resource-type.ts";
import { StatusError } from "./status.ts";
import { shapeObject } from "./write/shape.ts";
import { prepareCreate } from "./write/strategy.ts";
import { refuseInvalid } from "./write/validation.ts";

/** The errors with which an API server with these CRDs would refuse to create an object. Empty when it would accept it. */
export type ManifestChecker = (manifest: object) => string[];

/**
 * Checks manifests as the server does, including schemas, unknown fields, names and CEL rules, but without a server and a
 * store. It does not check whether a name is free or a namespace exists.
 */
export function createManifestChecker(crds: readonly object[]): ManifestChecker {
  const types = [...builtinResourceTypes(), ...crds.flatMap((crd) => customResourceTypes(crd as ApiObject))];

  return (manifest) => {
    const object = copyJson(manifest) as ApiObject;
    const type = types.find(
      ({ group, version, kind }) =>
        kind === object.kind && apiVersionOf(group, version) === object.apiVersion,
    );
    if (type === undefined) return [unknownKind(object, types)];
    const misplaced = namespaceProblem(object, type);
    if (misplaced !== undefined) return [misplaced];
    try {
      shapeObject(object, { type, fieldValidation: "Strict", warn: () => {} });
      prepareCreate(object, type);
      shapeObject(object, { type, fieldValidation: "Ignore", warn: () => {} });
      refuseInvalid(type, object);
      return [];
    } catch (error) {
      if (error instanceof StatusError) return causesOf(error);
      throw error;
    }
  };
}

function unknownKind({ apiVersion, kind }: ApiObject, types: readonly ResourceType[]): string {
  const elsewhere = types.filter((type) => type.kind === kind);
  const versions = elsewhere.map(({ group, version }) => apiVersionOf(group, version));
  return elsewhere.length === 0
    ? `apiVersion, kind: ${apiVersion} has no kind ${kind} here`
    : `apiVersion: ${kind} is served as ${versions.join(" and ")}, not as ${apiVersion}`;
}

function namespaceProblem({ metadata, kind }: ApiObject, type: ResourceType): string | undefined {
  const { namespace } = recordOf(metadata);
  if (type.namespaced && !namespace) return `metadata.namespace: Required value: a ${kind} is namespaced`;
  if (!type.namespaced && namespace) return `metadata.namespace: Forbidden: a ${kind} is cluster-scoped`;
  return undefined;
}

/** One text for each cause. Leaves out the note that CEL rules were not evaluated because of other errors. */
function causesOf({ message, details }: StatusError): string[] {
  const causes = (details?.causes ?? []).filter(({ field }) => field !== "<nil>");
  return causes.length === 0
    ? [message.replace(/^.*strict decoding error: /, "")]
    : causes.map(({ field, message: text }) => `${field}: ${text}`);
}
