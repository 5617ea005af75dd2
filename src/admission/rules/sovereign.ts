import { GROUP } from "../../api/kind.ts";
import { changedPaths, decidedPart } from "./change.ts";
import type { AdmissionInput, Rule, Violation } from "./input.ts";

interface SovereignSpecPart {
  franchise?: string;
  tiers?: { id?: string }[];
}

const OPEN_FIELDS = ["spec.branding", "spec.tiers", "spec.addons"];
const ASK = "ask OpenOva for the change";

/** A Franchisee sets branding, tiers and add-ons of its own Sovereigns, within its grants, and nothing else. */
export const sovereignRule: Rule = (input, { requester }) => {
  if (input.group !== GROUP || input.resource !== "sovereigns") return [];
  const refuse = (path: string, message: string): Violation => ({ rule: "sovereign-field", path, message });
  if (input.operation !== "UPDATE" || input.subresource !== "") {
    return [
      refuse(
        `sovereigns/${input.name}`,
        `Sovereigns are created, deleted and reported on by the platform: ${ASK}`,
      ),
    ];
  }
  const before = specOf(input.oldObject);
  const franchise =
    requester.kind === "franchisee"
      ? requester.franchises.find(({ metadata }) => metadata.name === before.franchise)
      : undefined;
  const changed = changedPaths(decidedPart(input.oldObject), decidedPart(input.object));
  if (franchise === undefined) {
    return changed.map((path) => refuse(path, `Sovereign ${input.name} is not run by you: ${ASK}`));
  }
  const closed = changed
    .filter((path) => !OPEN_FIELDS.some((field) => path === field || path.startsWith(`${field}.`)))
    .map((path) => refuse(path, `a Franchisee sets ${OPEN_FIELDS.join(", ")}: ${ASK}`));
  const { branding, tiers = [] } = franchise.spec.grants;
  const touches = (field: string) => changed.some((path) => path === field || path.startsWith(`${field}.`));
  const unbranded =
    touches("spec.branding") && !branding
      ? [
          {
            rule: "sovereign-branding-grant",
            path: "spec.branding",
            message: `Franchise ${franchise.metadata.name} does not grant branding: ask OpenOva to grant it`,
          },
        ]
      : [];
  const offered = touches("spec.tiers") ? (specOf(input.object).tiers ?? []) : [];
  const known = new Set(before.tiers?.map(({ id }) => id));
  const ungranted = offered
    .filter(({ id = "" }) => !tiers.includes("*") && !tiers.includes(id) && !known.has(id))
    .map(({ id }) => ({
      rule: "sovereign-tier-grant",
      path: `spec.tiers[${id}]`,
      message: `Franchise ${franchise.metadata.name} does not grant tier ${id}: choose among ${tiers.join(", ") || "none"}`,
    }));
  return [...closed, ...unbranded, ...ungranted];
};

const specOf = (object: AdmissionInput["object"]): SovereignSpecPart =>
  (object?.spec ?? {}) as SovereignSpecPart;
