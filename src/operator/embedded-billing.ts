import { BILLING, sovereignNamespace } from "../api/name.ts";
import type { ConfigMapObject } from "../api/object.ts";
import type { Sovereign } from "../api/sovereign.ts";
import { parseBranding } from "../billing/branding.ts";
import { parseCatalogFile } from "../billing/checkout/catalog.ts";
import { CheckoutError, VoucherError } from "../billing/errors.ts";
import { type BillingService, createBillingService } from "../billing/service.ts";
import { readBillingSettings } from "../billing/settings.ts";
import { parseJwks } from "../billing/source.ts";
import { parseVoucherGrants } from "../billing/voucher/grant.ts";
import { createEnvReader, type Env } from "../platform/env.ts";
import type { Logger } from "../platform/log.ts";
import { Registry } from "../platform/metrics.ts";
import type { OperatorCaches } from "./cache.ts";
import { type ConfigurationFile, createConfigurationFile } from "./configuration-file.ts";

/** Connections to the database of the Sovereign, for each replica of the operator. */
const MAX_CONNECTIONS = 5;

/**
 * The billing service of a Sovereign inside the operator. It has the same code, database, variables and ConfigMap as the
 * Sovereign's Pods.
 */
export function createEmbeddedBilling(
  deps: {
    caches: OperatorCaches;
    onOrderPlaced: (fqdn: string) => void;
    logger: Logger;
    now: () => Date;
  },
  sovereign: Sovereign,
  env: Env,
): BillingService {
  const { caches, onOrderPlaced, logger, now } = deps;
  const namespace = sovereignNamespace(sovereign.metadata.name, sovereign.spec.namespace);
  const configMap = () =>
    caches.configMaps.get(`${namespace}/${BILLING.configMap}`) as ConfigMapObject | undefined;
  const file = <T>(
    name: string,
    parse: ConfigurationFile<T>["parse"],
    more: Partial<ConfigurationFile<T>> = {},
  ) => createConfigurationFile({ name, read: () => configMap()?.data?.[name], parse, logger, ...more });

  const catalog = file("catalog.json", parseCatalogFile, {
    refuse: (reason) =>
      new CheckoutError(
        "catalog_unavailable",
        `catalog.json of this Sovereign is invalid (${reason}): nothing is sold until an administrator corrects it`,
      ),
  });
  const issuerAuthority = () => {
    const pem = configMap()?.data?.[BILLING.issuerCaFile];
    if (pem === undefined) throw new Error(`the Sovereign's ConfigMap has no ${BILLING.issuerCaFile}`);
    return pem;
  };
  return createBillingService({
    settings: { ...readBillingSettings(createEnvReader(env)), maxConnections: MAX_CONNECTIONS },
    catalog: async () => catalog(),
    branding: file("branding.json", parseBranding),
    // Without valid grants, no voucher is issued, because the last valid grants may allow more than the Franchise does now.
    grants: file("grants.json", parseVoucherGrants, {
      absent: { maxActive: 0 },
      keepsLast: false,
      refuse: (reason) =>
        new VoucherError(
          "grants_unavailable",
          `grants.json of this Sovereign is invalid (${reason}): no voucher is issued until an administrator corrects it`,
        ),
    }),
    operatorKeys: file("operator-jwks.json", parseJwks, { absent: { keys: [] } }),
    ...(sovereign.spec.billing.auth.caCertificateRef === undefined ? {} : { issuerAuthority }),
    onOrderPlaced: () => onOrderPlaced(sovereign.spec.fqdn),
    now,
    logger,
    // Not the operator's registry: the operator serves its own metrics, and a second service must be able to register its
    // metrics again.
    registry: new Registry(),
  });
}
