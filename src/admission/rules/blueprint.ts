import { GROUP } from "../../api/kind.ts";
import { PRIVATE_CATALOG_NAMESPACE } from "../../api/name.ts";
import {
  type AdmissionInput,
  type Artifact,
  type ArtifactField,
  objectPath,
  type Rule,
  type Violation,
} from "./input.ts";

interface BlueprintSpecPart {
  visibility?: string;
  source?: { ref?: string };
}

const isBlueprint = ({ group, resource }: AdmissionInput) => group === GROUP && resource === "blueprints";
const specOf = (object: AdmissionInput["object"]) => (object?.spec ?? {}) as BlueprintSpecPart;

/** A Franchisee may keep private Blueprints in catalog-sovereign, up to the number that its Franchise grants. */
export const blueprintRule: Rule = (input, { requester, privateBlueprints }) => {
  if (!isBlueprint(input)) return [];
  if (input.subresource !== "")
    return [
      {
        rule: "blueprint-status",
        path: input.subresource,
        message: "only the operator may write the status of a Blueprint: change spec instead",
      },
    ];
  if (requester.kind !== "franchisee")
    return [
      {
        rule: "blueprint-owner",
        path: objectPath(input),
        message:
          "only the platform and Franchisees may write Blueprints: ask the Franchisee of your Sovereign, or OpenOva",
      },
    ];
  if (input.namespace !== PRIVATE_CATALOG_NAMESPACE)
    return [
      {
        rule: "blueprint-namespace",
        path: "metadata.namespace",
        message: `a Franchisee may keep Blueprints only in ${PRIVATE_CATALOG_NAMESPACE}: use that namespace`,
      },
    ];
  if (input.operation === "DELETE") return [];
  const { visibility } = specOf(input.object);
  const max = Math.max(...requester.franchises.map(({ spec }) => spec.grants.privateBlueprints?.max ?? 0));
  const others = privateBlueprints.filter(({ metadata }) => metadata.name !== input.name).length;
  const found: Violation[] = [];
  if (visibility !== "private")
    found.push({
      rule: "blueprint-visibility",
      path: "spec.visibility",
      message: `a Franchisee's Blueprint must be private, not ${visibility ?? "empty"}: set it to private`,
    });
  if (input.operation === "CREATE" && others >= max)
    found.push({
      rule: "blueprint-grant",
      path: objectPath(input),
      message: `the Franchise grants at most ${max} private Blueprints (privateBlueprints.max): delete one, or ask OpenOva for a larger grant`,
    });
  return found;
};

/** The artifact of a Blueprint. The webhook and the Blueprint controller both check it. */
export const blueprintArtifact = (namespace: string, spec: BlueprintSpecPart): Artifact => ({
  reference: spec.source?.ref ?? "",
  use: { kind: "blueprint", namespace, visibility: spec.visibility },
});

/** The artifact that a new or changed Blueprint names. */
export function blueprintArtifacts(input: AdmissionInput): ArtifactField[] {
  if (!isBlueprint(input) || input.operation === "DELETE" || input.subresource !== "") return [];
  const spec = specOf(input.object);
  if (spec.source?.ref === specOf(input.oldObject).source?.ref && input.operation === "UPDATE") return [];
  return [
    {
      artifact: blueprintArtifact(input.namespace, spec),
      path: "spec.source.ref",
      rule: "blueprint-signature",
    },
  ];
}
