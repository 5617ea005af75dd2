import type { Franchise } from "../../api/franchise.ts";
import { BILLING } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Price, Sovereign } from "../../api/sovereign.ts";
import { metadataOf } from "./desired-metadata.ts";

export interface ConfigurationInput {
  sovereign: Sovereign;
  /** The Franchise it runs under; undefined for a Sovereign without one, and while its Franchise does not exist. */
  franchise: Franchise | undefined;
  /** Whether the Franchise's term holds now. Outside it, no voucher may be issued. */
  isInTerm: boolean;
  /** The operator's public keys, as a JWK set. */
  operatorJwks: object;
}

/** The files that billing reads; `billingEnvironment` points their variables at these names. */
export function desiredConfiguration(
  input: ConfigurationInput,
): KubernetesObject & { data: Record<string, string> } {
  const { sovereign, operatorJwks } = input;
  const { tiers = [], addons = [], branding = {} } = sovereign.spec;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadataOf(sovereign, BILLING.configMap),
    data: {
      "catalog.json": JSON.stringify({ plans: tiers.map(priceOf), addons: addons.map(priceOf) }),
      "branding.json": JSON.stringify(branding),
      "grants.json": JSON.stringify(voucherGrants(input)),
      "operator-jwks.json": JSON.stringify(operatorJwks),
    },
  };
}

const NO_VOUCHERS = { maxActive: 0, maxOutstandingCreditOmr: 0 };

/** What is not granted is not allowed. Only who runs under no Franchise issues without a limit. */
function voucherGrants({ sovereign, franchise, isInTerm }: ConfigurationInput): object {
  if (sovereign.spec.franchise === undefined) return {};
  return (isInTerm ? franchise?.spec.grants.vouchers : undefined) ?? NO_VOUCHERS;
}

const priceOf = ({ id, name, priceBaisa }: Price) => ({ id, name, price_baisa: priceBaisa });
