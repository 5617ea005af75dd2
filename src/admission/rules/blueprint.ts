import type { Blueprint } from "../../api/blueprint.ts";
import type { Franchise } from "../../api/franchise.ts";
import { GROUP } from "../../api/kind.ts";
import { PRIVATE_CATALOG_NAMESPACE } from "../../api/name.ts";
import { mapOf, textOf } from "../../api/object.ts";
import type { Artifact, ArtifactField, ClusterFacts, Rule, Violation } from "./fact.ts";
import { type AdmissionInput, objectPath } from "./request.ts";

interface BlueprintSpecPart {
  visibility?: string;
  franchise?: string;
  source?: { ref?: string };
}

const isBlueprint = ({ group, resource }: AdmissionInput) => group === GROUP && resource === "blueprints";
const specOf = (object: AdmissionInput["object"]): BlueprintSpecPart =>
  mapOf(object?.spec) as BlueprintSpecPart;

/** A Franchisee may keep private Blueprints of its own in catalog-sovereign, up to the number that its Franchise grants. */
export const blueprintRule: Rule = (input, facts) => {
  if (!isBlueprint(input)) return [];
  const { identity } = facts;
  if (input.subresource !== "")
    return [
      {
        rule: "blueprint-status",
        path: objectPath(input),
        message: "only the operator may write the status of a Blueprint; change spec instead",
      },
    ];
  if (identity.kind !== "franchisee")
    return [
      {
        rule: "blueprint-owner",
        path: objectPath(input),
        message:
          "only the platform and Franchisees may write Blueprints; ask the Franchisee of your Sovereign, or the platform team",
      },
    ];
  if (input.namespace !== PRIVATE_CATALOG_NAMESPACE)
    return [
      {
        rule: "blueprint-namespace",
        path: "metadata.namespace",
        message: `a Franchisee may keep Blueprints only in ${PRIVATE_CATALOG_NAMESPACE}; use that namespace`,
      },
    ];
  const own = identity.franchises.map(({ metadata }) => metadata.name);
  if (input.operation !== "CREATE" && !own.includes(specOf(input.oldObject).franchise ?? ""))
    return [
      {
        rule: "blueprint-owner",
        path: objectPath(input),
        message: "this Blueprint belongs to another Franchise; leave it unchanged, or make one of your own",
      },
    ];
  return input.operation === "DELETE" ? [] : contentViolations(input, facts, own);
};

function contentViolations(
  input: AdmissionInput,
  { identity, privateBlueprints }: ClusterFacts,
  own: readonly string[],
): Violation[] {
  const { visibility, franchise = "" } = specOf(input.object);
  const found: Violation[] = [];
  if (visibility !== "private")
    found.push({
      rule: "blueprint-visibility",
      path: "spec.visibility",
      message: `a Franchisee's Blueprint must be private, not ${textOf(visibility ?? "empty")}; set it to private`,
    });
  if (!own.includes(franchise))
    return [
      ...found,
      {
        rule: "blueprint-franchise",
        path: "spec.franchise",
        message: `a private Blueprint belongs to the Franchise that makes it; set this field to ${own.join(" or ")}`,
      },
    ];
  const granted = identity.kind === "franchisee" ? identity.franchises : [];
  const max =
    granted.find(({ metadata }) => metadata.name === franchise)?.spec.grants.privateBlueprints?.max ?? 0;
  const others = privateBlueprints.filter(
    ({ metadata, spec }) => spec.franchise === franchise && metadata.name !== input.name,
  );
  if (input.operation === "CREATE" && others.length >= max)
    found.push({
      rule: "blueprint-grant",
      path: objectPath(input),
      message: grantMessage(franchise, max),
    });
  return found;
}

/** Whether a Blueprint is a private one of catalog-sovereign. */
export const isPrivateBlueprint = ({ metadata, spec }: Blueprint): boolean =>
  metadata.namespace === PRIVATE_CATALOG_NAMESPACE && spec.visibility === "private";

/** Private Blueprints of a Franchise in catalog-sovereign. */
export const privateBlueprintsOf = (franchise: string, blueprints: readonly Blueprint[]): Blueprint[] =>
  blueprints.filter((blueprint) => isPrivateBlueprint(blueprint) && blueprint.spec.franchise === franchise);

const byAge = ({ metadata: a }: Blueprint, { metadata: b }: Blueprint): number => {
  const [older, newer] = [`${a.creationTimestamp ?? ""} ${a.name}`, `${b.creationTimestamp ?? ""} ${b.name}`];
  return older < newer ? -1 : 1;
};

/**
 * Why a stored Blueprint exceeds the number that its Franchise grants; undefined when it does not. Two Blueprints that are
 * created at the same moment both pass admission, and while the webhook is down all pass. The oldest ones keep the grant.
 */
export function exceededGrant(
  { metadata, spec }: Blueprint,
  blueprints: readonly Blueprint[],
  franchise: Franchise | undefined,
): string | undefined {
  if (franchise === undefined || franchise.metadata.name !== spec.franchise) return undefined;
  const max = franchise.spec.grants.privateBlueprints?.max ?? 0;
  const beyond = privateBlueprintsOf(spec.franchise, blueprints).sort(byAge).slice(max);
  return metadata.namespace === PRIVATE_CATALOG_NAMESPACE &&
    beyond.some((other) => other.metadata.name === metadata.name)
    ? grantMessage(spec.franchise, max)
    : undefined;
}

const grantMessage = (franchise: string, max: number): string =>
  `Franchise ${franchise} grants at most ${max} private Blueprints (privateBlueprints.max); delete one, or ask the platform team for a larger grant`;

/** The artifact of a Blueprint. Both the webhook and the Blueprint controller check it. */
export const blueprintArtifact = (namespace: string, spec: BlueprintSpecPart): Artifact => ({
  reference: textOf(spec.source?.ref ?? ""),
  use: { kind: "blueprint", namespace, visibility: spec.visibility, franchise: spec.franchise },
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
