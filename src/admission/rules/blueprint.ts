import type { Blueprint } from "../../api/blueprint.ts";
import type { Franchise, TrustEntry } from "../../api/franchise.ts";
import { GROUP } from "../../api/kind.ts";
import { PRIVATE_CATALOG_NAMESPACE } from "../../api/name.ts";
import type { AdmissionInput, Rule, SignatureDemand } from "./input.ts";

interface BlueprintSpecPart {
  visibility?: string;
  source?: { ref?: string };
}

const isBlueprint = ({ group, resource }: AdmissionInput) => group === GROUP && resource === "blueprints";
const specOf = (object: AdmissionInput["object"]) => (object?.spec ?? {}) as BlueprintSpecPart;

/** A Franchisee keeps private Blueprints in catalog-sovereign, as many as it is granted. */
export const blueprintRule: Rule = (input, { requester, privateBlueprints }) => {
  if (!isBlueprint(input)) return [];
  if (input.subresource !== "") {
    return [
      {
        rule: "blueprint-status",
        path: input.subresource,
        message: "status is written by the operator alone",
      },
    ];
  }
  if (requester.kind !== "franchisee") {
    return [
      {
        rule: "blueprint-owner",
        path: `blueprints/${input.name}`,
        message: "Blueprints are kept by the platform and by Franchisees: ask one of them",
      },
    ];
  }
  if (input.namespace !== PRIVATE_CATALOG_NAMESPACE) {
    return [
      {
        rule: "blueprint-namespace",
        path: "metadata.namespace",
        message: `a Franchisee's Blueprints lie in ${PRIVATE_CATALOG_NAMESPACE}: put it there`,
      },
    ];
  }
  if (input.operation === "DELETE") return [];
  const { visibility } = specOf(input.object);
  const isPrivate = visibility === "private";
  const max = Math.max(...requester.franchises.map(({ spec }) => spec.grants.privateBlueprints?.max ?? 0));
  const others = privateBlueprints.filter(({ metadata }) => metadata.name !== input.name).length;
  return [
    ...(isPrivate
      ? []
      : [
          {
            rule: "blueprint-visibility",
            path: "spec.visibility",
            message: `a Franchisee's Blueprint is private, not ${visibility}: set private`,
          },
        ]),
    ...(input.operation === "CREATE" && others >= max
      ? [
          {
            rule: "blueprint-grant",
            path: "spec.visibility",
            message: `the grant privateBlueprints.max allows ${max}: delete one, or ask OpenOva for a larger grant`,
          },
        ]
      : []),
  ];
};

/**
 * Who may have signed it: whom the platform trusts, and for a private one whom the Franchises do, which are those whose
 * term holds now.
 */
export function blueprintTrust(
  { metadata }: Blueprint,
  platform: readonly TrustEntry[],
  franchises: readonly Franchise[],
): TrustEntry[] {
  if (metadata.namespace !== PRIVATE_CATALOG_NAMESPACE) return [...platform];
  return [...platform, ...franchises.flatMap(({ spec }) => spec.blueprintTrust ?? [])];
}

/** Its artifact must be signed by a key that the platform or the requester's Franchise trusts. */
export function blueprintSignatures(input: AdmissionInput): SignatureDemand[] {
  if (!isBlueprint(input) || input.operation === "DELETE" || input.subresource !== "") return [];
  const reference = specOf(input.object).source?.ref ?? "";
  if (reference === specOf(input.oldObject).source?.ref && input.operation === "UPDATE") return [];
  return [
    {
      reference: reference.replace(/^oci:\/\//, ""),
      path: "spec.source.ref",
      rule: "blueprint-signature",
      byFranchise: true,
    },
  ];
}
