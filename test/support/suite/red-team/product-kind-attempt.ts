import { type Attempt, cluster, mergePatch, on, post, remove } from "./attempt.ts";
import { LABEL_PREFIX, named } from "./object.ts";

const PRODUCT = `${LABEL_PREFIX}/v1alpha1`;

/** The kinds of the product, except Blueprints and Sovereigns. */
export const PRODUCT_KIND_ATTEMPTS: readonly Attempt[] = [
  on(
    "creates a Franchise",
    "omantel",
    post(
      cluster(PRODUCT, "franchises"),
      named(PRODUCT, "Franchise", "mine", {
        spec: {
          franchisee: { legalName: "x", contactEmail: "x@x.test" },
          subjects: [{ kind: "User", name: "omantel-admin" }],
          term: { start: "2026-01-01T00:00:00Z" },
        },
      }),
    ),
    "platform-kind",
  ),
  on(
    "raises the grants of its Franchise",
    "omantel",
    mergePatch(cluster(PRODUCT, "franchises/omantel"), {
      spec: { grants: { privateBlueprints: { max: 99 } } },
    }),
    "platform-kind",
  ),
  on(
    "extends its term",
    "expired",
    mergePatch(cluster(PRODUCT, "franchises/expired"), { spec: { term: { end: "2030-01-01T00:00:00Z" } } }),
    "platform-kind",
  ),
  on(
    "deletes another's Franchise",
    "omantel",
    remove(cluster(PRODUCT, "franchises/ooredoo")),
    "platform-kind",
  ),
  on(
    "joins another's Organization",
    "amal",
    mergePatch(cluster(PRODUCT, "organizations/globex"), {
      spec: { members: [{ kind: "User", name: "amal" }] },
    }),
    "platform-kind",
  ),
  on(
    "takes over an Organization",
    "omantel",
    mergePatch(cluster(PRODUCT, "organizations/globex"), { spec: { owner: "omantel-admin" } }),
    "platform-kind",
  ),
  on("deletes its own Organization", "amal", remove(cluster(PRODUCT, "organizations/acme")), "platform-kind"),
  on(
    "unpins the billing image",
    "omantel",
    post(
      cluster(PRODUCT, "billingreleases"),
      named(PRODUCT, "BillingRelease", "mine", {
        spec: {
          image: `registry.test/billing@sha256:${"a".repeat(64)}`,
          version: "1.0.0",
          rollout: { maxUnavailable: 1, bake: "0s" },
        },
      }),
    ),
    "platform-kind",
  ),
];
