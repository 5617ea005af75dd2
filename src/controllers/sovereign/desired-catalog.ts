import { isPrivateBlueprint } from "../../admission/rules/blueprint.ts";
import { BLUEPRINT_VERIFIED, type Blueprint } from "../../api/blueprint.ts";
import { isConditionTrue } from "../../api/condition.ts";
import { CATALOG_NAMESPACE } from "../../api/name.ts";
import type { Price, Sovereign } from "../../api/sovereign.ts";
import { canonicalJson } from "../../platform/canonical-json.ts";

/**
 * Whether a Sovereign offers a Blueprint once the Blueprint is verified. Every Sovereign offers the platform's public and
 * unlisted ones, because a customer may order an unlisted one by name. A private one is offered only by Sovereigns of the
 * Franchise that made it.
 */
export function isOfferedBy({ spec }: Sovereign, blueprint: Blueprint): boolean {
  if (blueprint.metadata.namespace === CATALOG_NAMESPACE) return blueprint.spec.visibility !== "private";
  return (
    isPrivateBlueprint(blueprint) &&
    spec.franchise !== undefined &&
    blueprint.spec.franchise === spec.franchise
  );
}

/** The apps that a Sovereign sells, by id. A name in the public catalog is the platform's, so a private one cannot take it. */
export function offeredApps(sovereign: Sovereign, blueprints: readonly Blueprint[]): Price[] {
  const apps = new Map<string, Price>();
  const offered = blueprints.filter(
    (blueprint) => isVerified(blueprint) && isOfferedBy(sovereign, blueprint),
  );
  // Those of the public catalog come last, so that they replace private ones of the same name.
  const isPublic = ({ metadata }: Blueprint) => Number(metadata.namespace === CATALOG_NAMESPACE);
  for (const { metadata, spec } of offered.sort((a, b) => isPublic(a) - isPublic(b))) {
    const { title, priceBaisa = 0 } = spec.card;
    apps.set(metadata.name, { id: metadata.name, name: title, priceBaisa });
  }
  return [...apps.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Whether a change of a Blueprint can change what a Sovereign sells. */
export const isCatalogEntryChanged = (before: Blueprint, after: Blueprint): boolean =>
  canonicalJson(catalogEntryOf(before)) !== canonicalJson(catalogEntryOf(after));

function catalogEntryOf(blueprint: Blueprint) {
  const { visibility, franchise, card } = blueprint.spec;
  return {
    isVerified: isVerified(blueprint),
    visibility,
    franchise: franchise ?? null,
    title: card.title,
    priceBaisa: card.priceBaisa ?? 0,
  };
}

/**
 * The verification must be of the artifact that the spec names now. After a change of the spec, the status is still the
 * earlier one.
 */
function isVerified({ spec, status }: Blueprint): boolean {
  const digest = status?.verifiedDigest;
  return (
    isConditionTrue(status?.conditions, BLUEPRINT_VERIFIED) &&
    digest !== undefined &&
    spec.source.ref.endsWith(`@${digest}`)
  );
}
