import { type Attempt, apply, cluster, core, group, mergePatch, on, post, remove } from "./attempt.ts";
import {
  blueprint,
  deployment,
  LABEL_PREFIX,
  named,
  namespace,
  ociRepository,
  PRIVATE_ARTIFACT,
  pod,
  REGISTRY,
  SIGNED,
  secret,
  tokenRequest,
} from "./object.ts";
import type { Person } from "./person.ts";

const PRODUCT = `${LABEL_PREFIX}/v1alpha1`;
const BLUEPRINTS = group(PRODUCT, "catalog-sovereign", "blueprints");
const SOVEREIGN = cluster(PRODUCT, "sovereigns/omantel");
const OCI = "source.toolkit.fluxcd.io/v1";

const can = (title: string, by: Person, request: Attempt["request"]) => on(title, by, request, "allowed");

export const ALLOWED_FRANCHISEE: readonly Attempt[] = [
  can("keeps a private Blueprint", "omantel", post(BLUEPRINTS, blueprint("extra"))),
  can(
    "changes its Blueprint",
    "omantel",
    mergePatch(`${BLUEPRINTS}/extra`, { spec: { card: { title: "Extra" } } }),
  ),
  can("applies its Blueprint", "omantel", apply(`${BLUEPRINTS}/extra`, blueprint("extra"))),
  can("deletes its Blueprint", "omantel", remove(`${BLUEPRINTS}/extra`)),
  can(
    "sets branding",
    "omantel",
    mergePatch(SOVEREIGN, { spec: { branding: { displayName: "Omantel Cloud" } } }),
  ),
  can(
    "sets branding by server-side apply",
    "omantel",
    apply(
      SOVEREIGN,
      named(PRODUCT, "Sovereign", "omantel", { spec: { branding: { displayName: "Omantel" } } }),
    ),
  ),
  can(
    "sets a host of its own",
    "omantel",
    mergePatch(SOVEREIGN, { spec: { branding: { hostname: "shop.omantel.test" } } }),
  ),
  can(
    "passes a granted tier through",
    "omantel",
    mergePatch(SOVEREIGN, { spec: { tiers: [{ id: "starter", name: "Start", priceBaisa: 6000 }] } }),
  ),
  can(
    "offers an add-on",
    "omantel",
    mergePatch(SOVEREIGN, { spec: { addons: [{ id: "backup", name: "Backup", priceBaisa: 100 }] } }),
  ),
  can("changes nothing of its Sovereign", "omantel", mergePatch(SOVEREIGN, {})),
  can(
    "applies the fields of the hub",
    "platform",
    apply(
      SOVEREIGN,
      named(PRODUCT, "Sovereign", "omantel", {
        spec: { fqdn: "omantel.test", branding: { displayName: "Omantel" } },
      }),
    ),
  ),
  can(
    "sets branding that the hub applied",
    "omantel",
    mergePatch(SOVEREIGN, { spec: { branding: { displayName: "Omantel Cloud" } } }),
  ),
  can("creates a Namespace", "omantel", post("/api/v1/namespaces", namespace("omantel-tools"))),
  can(
    "labels its Namespace",
    "omantel",
    mergePatch("/api/v1/namespaces/omantel-tools", { metadata: { labels: { team: "tools" } } }),
  ),
  can(
    "runs a Deployment there",
    "omantel",
    post(group("apps/v1", "omantel-tools", "deployments"), deployment("tool")),
  ),
  can("writes a Secret there", "omantel", post(core("omantel-tools", "secrets"), secret("key"))),
  can(
    "installs its private Blueprint",
    "omantel",
    post(
      group(OCI, "omantel-tools", "ocirepositories"),
      ociRepository("private", {
        url: `oci://${REGISTRY}/${PRIVATE_ARTIFACT.repository}`,
        ref: { digest: PRIVATE_ARTIFACT.digest },
      }),
    ),
  ),
  can("deletes its Namespace", "omantel", remove("/api/v1/namespaces/omantel-tools")),
  can(
    "requests a token of its own ServiceAccount",
    "omantel",
    post(core("bazaar", "serviceaccounts/franchisee/token"), tokenRequest),
  ),
  can(
    "runs a Pod as its own ServiceAccount",
    "omantel",
    post(core("bazaar", "pods"), pod("mine", SIGNED, { serviceAccountName: "franchisee" })),
  ),
];
