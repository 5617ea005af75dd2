import type { Blueprint } from "../../api/blueprint.ts";
import type { Franchise } from "../../api/franchise.ts";
import { BILLING } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Price, Sovereign } from "../../api/sovereign.ts";
import { offeredApps } from "./desired-catalog.ts";
import { metadataOf } from "./desired-metadata.ts";
import type { Settings } from "./desired-settings.ts";

export interface ConfigurationInput {
  sovereign: Sovereign;
  /** Undefined for a Sovereign without a Franchise, and while its Franchise does not exist. */
  franchise: Franchise | undefined;
  /** Whether the Franchise's term runs now. Outside the term, the Sovereign may issue no voucher. */
  isInTerm: boolean;
  settings: Settings;
  /** All Blueprints of the cluster. */
  blueprints: readonly Blueprint[];
  /** The authorities of the issuer's certificate. Undefined: none are named, or they cannot be read. */
  issuerAuthority?: string | undefined;
  /** The operator's public keys, as a JWK set. */
  operatorJwks: object;
  /** The URL to which billing sends notices of placed orders. */
  orderNoticeUrl: string;
}

/** The ConfigMap with the files that billing reads. The variables of `billingEnvironment` contain their paths. */
export function desiredConfiguration(
  input: ConfigurationInput,
): KubernetesObject & { data: Record<string, string> } {
  const { sovereign, blueprints, issuerAuthority, operatorJwks, orderNoticeUrl } = input;
  const { tiers, addons, branding } = input.settings;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadataOf(sovereign, BILLING.configMap),
    data: {
      "catalog.json": JSON.stringify({
        plans: tiers.map(priceOf),
        addons: addons.map(priceOf),
        apps: offeredApps(sovereign, blueprints).map(priceOf),
      }),
      "branding.json": JSON.stringify(branding),
      "grants.json": JSON.stringify(voucherGrants(input)),
      "operator-jwks.json": JSON.stringify(operatorJwks),
      ...(issuerAuthority === undefined ? {} : { [BILLING.issuerCaFile]: issuerAuthority }),
      // Stored in a file, not in the Pods' environment, because a new address of the operator must not replace Pods.
      "order-notice.json": JSON.stringify({ url: orderNoticeUrl }),
    },
  };
}

const NO_VOUCHERS = { maxActive: 0, maxOutstandingCreditOmr: 0 };

/**
 * Without a Franchise, a Sovereign may issue vouchers without a limit. With one, only its grants count, and only while its
 * term runs.
 */
function voucherGrants({ sovereign, franchise, isInTerm }: ConfigurationInput): object {
  if (sovereign.spec.franchise === undefined) return {};
  return (isInTerm ? franchise?.spec.grants.vouchers : undefined) ?? NO_VOUCHERS;
}

const priceOf = ({ id, name, priceBaisa }: Price) => ({ id, name, price_baisa: priceBaisa });
