import { type Attempt, group, mergePatch, on, post, remove } from "./attempt.ts";
import { blueprint, LABEL_PREFIX, referenceOf, UNSIGNED_ARTIFACT } from "./object.ts";

const PRODUCT = `${LABEL_PREFIX}/v1alpha1`;
const BLUEPRINTS = group(PRODUCT, "catalog-sovereign", "blueprints");

export const BLUEPRINT_ATTEMPTS: readonly Attempt[] = [
  on("creates a Blueprint", "amal", post(BLUEPRINTS, blueprint("mine")), "blueprint-owner"),
  on("creates a Blueprint after its term", "expired", post(BLUEPRINTS, blueprint("mine")), "blueprint-owner"),
  on(
    "creates a Blueprint for another Franchise",
    "ooredoo",
    post(BLUEPRINTS, blueprint("mine")),
    "blueprint-franchise",
  ),
  on(
    "creates a Blueprint for no Franchise",
    "omantel",
    post(BLUEPRINTS, blueprint("mine", { franchise: undefined })),
    "blueprint-franchise",
  ),
  on(
    "creates one Blueprint more than granted",
    "ooredoo",
    post(BLUEPRINTS, blueprint("second", { franchise: "ooredoo" })),
    "blueprint-grant",
  ),
  on(
    "creates a listed Blueprint",
    "omantel",
    post(BLUEPRINTS, blueprint("mine", { visibility: "listed", franchise: undefined })),
    ["blueprint-franchise", "blueprint-visibility"],
  ),
  on(
    "creates a Blueprint in an ordinary namespace",
    "omantel",
    post(group(PRODUCT, "shop", "blueprints"), blueprint("mine")),
    "blueprint-namespace",
  ),
  on(
    "creates an unsigned Blueprint",
    "omantel",
    post(BLUEPRINTS, blueprint("mine", { source: { ref: `oci://${referenceOf(UNSIGNED_ARTIFACT)}` } })),
    "blueprint-signature",
  ),
  on(
    "exchanges the artifact of its Blueprint for an unsigned one",
    "omantel",
    mergePatch(`${BLUEPRINTS}/omantel-shop`, {
      spec: { source: { ref: `oci://${referenceOf(UNSIGNED_ARTIFACT)}` } },
    }),
    "blueprint-signature",
  ),
  on(
    "changes a Blueprint of another Franchise",
    "omantel",
    mergePatch(`${BLUEPRINTS}/ooredoo-shop`, { metadata: { labels: { mine: "yes" } } }),
    "blueprint-owner",
  ),
  on(
    "deletes a Blueprint of another Franchise",
    "omantel",
    remove(`${BLUEPRINTS}/ooredoo-shop`),
    "blueprint-owner",
  ),
  on(
    "writes that its own Blueprint is verified",
    "omantel",
    mergePatch(`${BLUEPRINTS}/omantel-shop/status`, { status: { verifiedDigest: UNSIGNED_ARTIFACT.digest } }),
    "blueprint-status",
  ),
];
