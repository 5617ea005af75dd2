import { API_VERSION } from "../../../src/api/kind.ts";

const BENCH_IMAGE = `registry.bench/billing@sha256:${"a".repeat(64)}`;
const RELEASE_NAME = "stable";
const ZERO = "zero";
export const REPLICAS = 2;

export const sovereignName = (index: number) => (index === 0 ? ZERO : `country-${index}`);

/** The whole fleet may update at once, so that the bench measures the operator and not the limits of a rollout. */
export const releaseManifest = {
  apiVersion: API_VERSION,
  kind: "BillingRelease",
  metadata: { name: RELEASE_NAME },
  spec: { image: BENCH_IMAGE, version: "1.0.0", rollout: { maxUnavailable: "100%" } },
};

export function sovereignManifest(index: number) {
  const name = sovereignName(index);
  return {
    apiVersion: API_VERSION,
    kind: "Sovereign",
    metadata: { name },
    spec: {
      fqdn: `${name}.example`,
      role: index === 0 ? "CatalystZero" : "SelfHosted",
      billing: {
        release: RELEASE_NAME,
        replicas: REPLICAS,
        database: { secretRef: { name: "billing-db" } },
        auth: { secretRef: { name: "billing-jwt" } },
        ingress: { host: `billing.${name}.example` },
      },
      branding: { displayName: `Country ${index}` },
      tiers: [{ id: "starter", name: "Starter", priceBaisa: 5_000 }],
    },
  };
}
