import { Ajv } from "ajv";
import { toCustomResourceDefinition } from "./crd.ts";
import { API_VERSION } from "./kind.ts";
import type { KubernetesObject } from "./object.ts";
import { KINDS } from "./registry.ts";

/** What is wrong with a manifest, before an API server has seen it. */
export interface ManifestProblem {
  /** `spec.fqdn` */
  path: string;
  message: string;
}

interface CrdSpec {
  versions: { schema: { openAPIV3Schema: object } }[];
}

// Formats and Kubernetes' own keywords are the API server's to judge, CEL rules above all.
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
const validators = new Map(
  KINDS.map((definition) => {
    const { versions } = toCustomResourceDefinition(definition).spec as CrdSpec;
    return [definition.kind, ajv.compile(versions[0]?.schema.openAPIV3Schema ?? {})];
  }),
);

/** Faults of a manifest of one of our kinds against its schema; none for other kinds, which are not ours to judge. */
export function manifestProblems(manifest: KubernetesObject): ManifestProblem[] {
  if (manifest.apiVersion !== API_VERSION) return [];
  const validate = validators.get(manifest.kind);
  if (validate === undefined) {
    return [
      {
        path: "kind",
        message: `${API_VERSION} has no kind ${manifest.kind}: it has ${[...validators.keys()].join(", ")}`,
      },
    ];
  }
  validate(manifest);
  return (validate.errors ?? []).map(({ instancePath, message = "is wrong", params }) => ({
    path: instancePath.slice(1).replaceAll("/", ".") || "(the manifest)",
    message:
      "allowedValues" in params ? `${message}: ${(params.allowedValues as string[]).join(", ")}` : message,
  }));
}
