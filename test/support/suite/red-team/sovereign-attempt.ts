import { type Attempt, apply, cluster, mergePatch, on, remove } from "./attempt.ts";
import { LABEL_PREFIX, named } from "./object.ts";

const PRODUCT = `${LABEL_PREFIX}/v1alpha1`;
const SOVEREIGN = cluster(PRODUCT, "sovereigns/omantel");

const HUB_FIELDS: readonly [string, object][] = [
  ["its Franchise", { spec: { franchise: "ooredoo" } }],
  ["its billing release", { spec: { billing: { release: "mine" } } }],
  ["its parent", { spec: { parent: "ooredoo" } }],
  ["whether it is suspended", { spec: { suspend: true } }],
  ["its labels", { metadata: { labels: { mine: "yes" } } }],
  [
    "the annotation of kubectl apply",
    {
      metadata: {
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": '{"spec":{"fqdn":"x"}}' },
      },
    },
  ],
  ["its finalizers", { metadata: { finalizers: ["example.org/mine"] } }],
  [
    "its owners",
    { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Namespace", name: "gone", uid: "0" }] } },
  ],
];

export const SOVEREIGN_ATTEMPTS: readonly Attempt[] = [
  ...HUB_FIELDS.map(([title, change]) =>
    on(`changes ${title} on its Sovereign`, "omantel", mergePatch(SOVEREIGN, change), "sovereign-field"),
  ),
  on(
    "becomes co-owner of a field of the hub by server-side apply",
    "omantel",
    apply(SOVEREIGN, named(PRODUCT, "Sovereign", "omantel", { spec: { fqdn: "omantel.test" } })),
    "sovereign-field",
  ),
  on(
    "becomes co-owner of a field of the hub beside its own by server-side apply",
    "omantel",
    apply(
      SOVEREIGN,
      named(PRODUCT, "Sovereign", "omantel", {
        spec: { fqdn: "omantel.test", branding: { displayName: "Omantel" } },
      }),
    ),
    "sovereign-field",
  ),
  on(
    "changes the branding of another Franchise's Sovereign",
    "ooredoo",
    mergePatch(SOVEREIGN, { spec: { branding: { displayName: "Ours" } } }),
    "sovereign-field",
  ),
  on(
    "sets branding after its term",
    "expired",
    mergePatch(SOVEREIGN, { spec: { branding: { displayName: "Ours" } } }),
    "sovereign-field",
  ),
  on(
    "writes the status of its Sovereign",
    "omantel",
    mergePatch(`${SOVEREIGN}/status`, { status: { pinnedImage: "x" } }),
    "sovereign-field",
  ),
  on("deletes its Sovereign", "omantel", remove(SOVEREIGN), "sovereign-field"),
  on("deletes all Sovereigns", "omantel", remove(cluster(PRODUCT, "sovereigns")), "sovereign-field"),
  on(
    "brands without the grant",
    "ooredoo",
    mergePatch(cluster(PRODUCT, "sovereigns/ooredoo"), { spec: { branding: { displayName: "Ooredoo" } } }),
    "sovereign-branding-grant",
  ),
  on(
    "offers a tier without the grant",
    "omantel",
    mergePatch(SOVEREIGN, { spec: { tiers: [{ id: "platinum", name: "Platinum", priceBaisa: 1 }] } }),
    "sovereign-tier-grant",
  ),
  on(
    "brands with a host of another Sovereign",
    "omantel",
    mergePatch(SOVEREIGN, { spec: { branding: { hostname: "ooredoo.test" } } }),
    "sovereign-host",
  ),
];
