import type { Franchise } from "../../api/franchise.ts";
import { BILLING } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Price, Sovereign } from "../../api/sovereign.ts";
import { metadataOf } from "./desired-metadata.ts";

export interface ConfigurationInput {
  sovereign: Sovereign;
  /** The Franchise it runs under; undefined for a Sovereign without one. */
  franchise: Franchise | undefined;
  /** Whether the Franchise's term holds now. Outside it, no voucher may be issued. */
  isInTerm: boolean;
  /** The operator's public keys, as a JWK set. */
  operatorJwks: object;
}

/** The files that billing reads, under the names that contract §7 gives their variables. */
export function desiredConfiguration(
  input: ConfigurationInput,
): KubernetesObject & { data: Record<string, string> } {
  const { sovereign, franchise, isInTerm, operatorJwks } = input;
  const { tiers = [], addons = [], branding = {} } = sovereign.spec;
  const grants =
    franchise === undefined
      ? {}
      : isInTerm
        ? (franchise.spec.grants.vouchers ?? {})
        : { maxActive: 0, maxOutstandingCreditOmr: 0 };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadataOf(sovereign, BILLING.configMap),
    data: {
      "catalog.json": JSON.stringify({ plans: tiers.map(priceOf), addons: addons.map(priceOf) }),
      "branding.json": JSON.stringify(branding),
      "grants.json": JSON.stringify(grants),
      "operator-jwks.json": JSON.stringify(operatorJwks),
    },
  };
}

const priceOf = ({ id, name, priceBaisa }: Price) => ({ id, name, price_baisa: priceBaisa });
