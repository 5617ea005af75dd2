import type { Franchise } from "../../api/franchise.ts";
import { GROUP } from "../../api/kind.ts";
import { listOf, mapOf, textOf } from "../../api/object.ts";
import { affectedPaths, userChangedPaths } from "./change.ts";
import type { Rule, Violation } from "./fact.ts";
import { lostOwnership, newlyAppliedPaths } from "./field-ownership.ts";
import { type AdmissionInput, objectPath } from "./request.ts";

const OPEN_FIELDS = ["spec.branding", "spec.tiers", "spec.addons"];

/**
 * kubectl writes this annotation when it applies without `--server-side`. All users share one annotation. The next `kubectl
 * apply` of the platform deletes each field that the annotation lists and the platform's file lacks.
 */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

const isWithin = (path: string, field: string) => path === field || path.startsWith(`${field}.`);

export const grantsBranding = ({ spec }: Franchise): boolean => spec.grants.branding === true;

export const grantsTier = ({ spec }: Franchise, id: string): boolean =>
  spec.grants.tiers?.some((tier) => tier === "*" || tier === id) === true;

/** A Franchisee may set branding, tiers and add-ons of its own Sovereigns, within its grants, and nothing else. */
export const sovereignRule: Rule = (input, { identity }) => {
  if (input.group !== GROUP || input.resource !== "sovereigns") return [];
  const deny = (path: string, message: string): Violation => ({
    rule: "sovereign-field",
    path,
    message: `${message}, or ask the platform team to make the change`,
  });
  if (input.operation !== "UPDATE" || input.subresource !== "")
    return [
      {
        rule: "sovereign-field",
        path: objectPath(input),
        message:
          "only the platform may create or delete Sovereigns or write their status; ask the platform team to make the change",
      },
    ];
  const before = mapOf(input.oldObject?.spec);
  const franchise =
    identity.kind === "franchisee"
      ? identity.franchises.find(({ metadata }) => metadata.name === before.franchise)
      : undefined;
  const changed = userChangedPaths(input);
  if (franchise === undefined)
    return affectedPaths(input).map((path) =>
      deny(path, `only its own Franchisee may change Sovereign ${input.name}; leave it unchanged`),
    );
  const isOpen = (path: string) => OPEN_FIELDS.some((field) => isWithin(path, field));
  const found: Violation[] = [...new Set([...changed, ...newlyAppliedPaths(input.oldObject, input.object)])]
    .filter((path) => !isOpen(path))
    .map((path) =>
      deny(
        path,
        `a Franchisee may change only ${OPEN_FIELDS.join(", ")}; ${isLastApplied(path, input) ? APPLY_REMEDY : "leave this unchanged"}`,
      ),
    );
  if (lostOwnership(input.oldObject, input.object).some((path) => !isOpen(path)))
    found.push(
      deny("metadata.managedFields", "only the API server may change who owns a field; leave this unchanged"),
    );
  const { tiers = [] } = franchise.spec.grants;
  const isChanged = (field: string) => changed.some((path) => isWithin(path, field));
  if (isChanged("spec.branding") && !grantsBranding(franchise))
    found.push({
      rule: "sovereign-branding-grant",
      path: "spec.branding",
      message: `Franchise ${franchise.metadata.name} does not grant branding; leave this unchanged, or ask the platform team for the grant`,
    });
  if (!isChanged("spec.tiers")) return found;
  const known = new Set(tierIds(input.oldObject));
  for (const id of tierIds(input.object))
    if (!grantsTier(franchise, id) && !known.has(id))
      found.push({
        rule: "sovereign-tier-grant",
        path: `spec.tiers[${id}]`,
        message: `Franchise ${franchise.metadata.name} does not grant tier ${id}; ${tiers.length > 0 ? `use ${tiers.join(", ")}` : "remove it"}, or ask the platform team for the grant`,
      });
  return found;
};

const APPLY_REMEDY =
  "use `kubectl apply --server-side` with these fields alone, or `kubectl patch --type=merge`, which write no annotation";

const lastApplied = (object: AdmissionInput["object"]) =>
  mapOf(mapOf(object?.metadata).annotations)[LAST_APPLIED];

/** The first annotation of an object changes the member `annotations` as a whole. */
const isLastApplied = (path: string, { object, oldObject }: AdmissionInput): boolean =>
  isWithin(`metadata.annotations.${LAST_APPLIED}`, path) && lastApplied(object) !== lastApplied(oldObject);

const tierIds = (object: AdmissionInput["object"]): string[] =>
  listOf(mapOf(object?.spec).tiers).map((tier) => textOf(mapOf(tier).id ?? ""));
