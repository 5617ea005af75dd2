import { readFileSync } from "node:fs";
import type { JSONWebKeySet } from "jose";
import { parseCertificateBundle } from "../platform/certificate-bundle.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { type Branding, parseBranding } from "./branding.ts";
import {
  type CatalogSource,
  createCatalogClient,
  createCatalogSource,
  parseCatalogFile,
} from "./checkout/catalog.ts";
import { CheckoutError } from "./errors.ts";
import { createOrderNotice, type OrderNotice, parseOrderNotice } from "./event/order-notice.ts";
import type { BillingSettings } from "./settings.ts";
import { createTenantDirectory, type TenantDirectory } from "./tenant/directory.ts";
import { parseVoucherGrants, type VoucherGrants } from "./voucher/grant.ts";
import { createWatchedFile } from "./watched-file.ts";

type Fetch = typeof fetch;

export interface SourceDeps {
  settings: BillingSettings;
  /** These replace the files that the settings name, for a process that embeds the service and has the values itself. */
  catalog?: CatalogSource;
  branding?: () => Branding;
  grants?: () => VoucherGrants;
  operatorKeys?: () => JSONWebKeySet | undefined;
  /** Returns the authorities of the issuer's certificate as PEM. Throws when they cannot be read. */
  issuerAuthority?: (() => string) | undefined;
  /** Is called after each placed order, in place of a notice to the operator. */
  onOrderPlaced?: () => void;
  now: () => Date;
  logger: Logger;
}

/** The sources outside the database: watched files and other services. */
interface Sources {
  branding: () => Branding;
  grants: () => VoucherGrants;
  operatorKeys: () => JSONWebKeySet | undefined;
  /** Absent: the public authorities. */
  issuerAuthority: (() => string) | undefined;
  catalog: CatalogSource;
  tenants: TenantDirectory | undefined;
  /** Absent: no notices are sent. */
  orderNotice: OrderNotice | undefined;
}

export function openSources(deps: SourceDeps, fetch: Fetch): Sources {
  const { settings, logger, now } = deps;
  const watch = <T>(path: string | undefined, parse: (json: unknown) => T): (() => T) | undefined =>
    path === undefined ? undefined : createWatchedFile(path, parse, logger);
  const noticeUrl =
    deps.onOrderPlaced === undefined ? watch(settings.orderNoticeFile, parseOrderNotice) : undefined;
  return {
    branding: deps.branding ?? watch(settings.brandingFile, parseBranding) ?? (() => ({})),
    grants: deps.grants ?? watch(settings.grantsFile, parseVoucherGrants) ?? (() => ({})),
    operatorKeys: deps.operatorKeys ?? watch(settings.operatorJwksFile, parseJwks) ?? (() => undefined),
    issuerAuthority: deps.issuerAuthority ?? createAuthorityFile(settings.issuerCaFile),
    catalog: deps.catalog ?? catalogOf(settings, watch(settings.catalogFile, parseCatalogFile), fetch, now),
    tenants:
      settings.tenantUrl === undefined
        ? undefined
        : createTenantDirectory({ baseUrl: settings.tenantUrl, fetch }),
    orderNotice:
      noticeUrl && createOrderNotice({ url: noticeUrl, sovereign: settings.sovereignFqdn, logger }),
  };
}

/**
 * Reads the file at each call: the issuer's keys are read at most every two seconds, and the file may be written only after
 * the process has started.
 */
function createAuthorityFile(path: string | undefined): (() => string) | undefined {
  if (path === undefined) return undefined;
  return () => {
    const text = readFileSync(path, "utf8");
    try {
      return parseCertificateBundle(text);
    } catch (cause) {
      throw new Error(`OIDC_CA_FILE, ${path}: it must ${errorMessage(cause)}`, { cause });
    }
  };
}

function catalogOf(
  settings: BillingSettings,
  file: (() => ReturnType<typeof parseCatalogFile>) | undefined,
  fetch: Fetch,
  now: () => Date,
): CatalogSource {
  if (file !== undefined) return createCatalogSource(file);
  if (settings.catalogUrl !== undefined)
    return createCatalogClient({ baseUrl: settings.catalogUrl, fetch, now });
  return async () => {
    throw new CheckoutError(
      "catalog_unavailable",
      "this Sovereign has no catalog yet: set CATALOG_URL or CATALOG_FILE",
    );
  };
}

export function parseJwks(json: unknown): JSONWebKeySet {
  const { keys } = (json ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error("a JWKS needs an array `keys`");
  return { keys };
}
