import type { Express } from "express";
import type { JSONWebKeySet } from "jose";
import type pg from "pg";
import type { Logger } from "../platform/log.ts";
import type { Registry } from "../platform/metrics.ts";
import { sleep } from "../platform/shutdown.ts";
import { createTokenVerifier } from "./auth/token.ts";
import { createBackground } from "./background.ts";
import { type Branding, parseBranding } from "./branding.ts";
import { createCheckoutCall } from "./checkout/call.ts";
import {
  type CatalogSource,
  createCatalogClient,
  createCatalogSource,
  parseCatalogFile,
} from "./checkout/catalog.ts";
import { createCheckout } from "./checkout/checkout.ts";
import { createDatabase, createPool } from "./db/database.ts";
import { CheckoutError } from "./errors.ts";
import { KAFKA_SINK, ORGANIZATION_SINK } from "./event/outbox.ts";
import { observeOutbox } from "./event/outbox-lag.ts";
import { createApp } from "./http/app.ts";
import { createClientAddress } from "./http/limit/client-address.ts";
import { createIssueLimiter } from "./http/limit/issue-limiter.ts";
import { createPreviewLimiter } from "./http/limit/preview-limiter.ts";
import { writeApi } from "./http/openapi.ts";
import type { Operation } from "./http/operation.ts";
import { accountOperations } from "./http/route/account-route.ts";
import { adminPageOperations } from "./http/route/admin-page-route.ts";
import { adminOperations } from "./http/route/admin-route.ts";
import { bulkIssueOperation } from "./http/route/bulk-issue-route.ts";
import { errorOperations } from "./http/route/error-route.ts";
import { pageOperations, type Readiness } from "./http/route/page-route.ts";
import { reportOperations } from "./http/route/report-route.ts";
import { voucherAuditOperation } from "./http/route/voucher-audit-route.ts";
import { voucherOperations } from "./http/route/voucher-route.ts";
import { createTracing, type Tracing } from "./http/trace-context.ts";
import { createValidator } from "./http/validation.ts";
import { createAccountService } from "./ledger/account.ts";
import { createReportService } from "./ledger/report.ts";
import { createRevenueService } from "./ledger/revenue.ts";
import { createPlacedOrderCount, observePool } from "./metric.ts";
import { createPayment } from "./payment/payment.ts";
import { createReadiness, type ReadinessState, SchemaMismatchError } from "./readiness.ts";
import type { BillingSettings } from "./settings.ts";
import { createTenantDirectory } from "./tenant/directory.ts";
import { parseVoucherGrants, type VoucherGrants } from "./voucher/grant.ts";
import { createVoucherService } from "./voucher/voucher-service.ts";
import { createWatchedFile } from "./watched-file.ts";

export interface BillingServiceDeps {
  settings: BillingSettings;
  /** Instead of a pool of one's own; it is not ended by `close`. */
  pool?: pg.Pool;
  /** Instead of the settings' files: what an embedding process knows first-hand. */
  catalog?: CatalogSource;
  branding?: () => Branding;
  grants?: () => VoucherGrants;
  operatorKeys?: () => JSONWebKeySet | undefined;
  now: () => Date;
  logger: Logger;
  registry: Registry;
}

export interface BillingService {
  /** An express app: a request listener for any HTTP server. */
  app: Express;
  /**
   * Resolves when the database is at this program's schema version; waits while it is away. Rejects with
   * `SchemaMismatchError`, saying what was found, when it is at another.
   */
  ready(signal: AbortSignal): Promise<void>;
  readiness(): Promise<ReadinessState>;
  /**
   * The work behind the requests, until the signal fires: settling orders whose payment hangs, relaying events,
   * following the tenants' topic, tidying up. For a service that is ready.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Settles once what hangs now; throws when the database or the payment processor is away. */
  sweep(): Promise<void>;
  /** From now on unready, so that nobody sends new requests; what comes still is answered. */
  drain(): void;
  close(): Promise<void>;
}

const RETRY_MS = 500;

/** Wires the billing service: the same for `catalyst billing` and for the operator's embedded voucher API. */
export function createBillingService(deps: BillingServiceDeps): BillingService {
  const { settings, now, logger, registry } = deps;
  const { sovereignFqdn } = settings;
  const pool = deps.pool ?? createPool(settings.databaseUrl, settings.maxConnections, logger);
  const database = createDatabase(pool);
  observePool(pool, registry);
  const watch = <T>(path: string | undefined, parse: (json: unknown) => T): (() => T) | undefined =>
    path === undefined ? undefined : createWatchedFile(path, parse, logger);

  const tracing = createTracing();
  const branding = deps.branding ?? watch(settings.brandingFile, parseBranding) ?? (() => ({}));
  const grants = deps.grants ?? watch(settings.grantsFile, parseVoucherGrants) ?? (() => ({}));
  const operatorKeys = deps.operatorKeys ?? watch(settings.operatorJwksFile, parseJwks) ?? (() => undefined);
  const catalog =
    deps.catalog ?? catalogOf(settings, watch(settings.catalogFile, parseCatalogFile), tracing, now);
  const tenants =
    settings.tenantUrl === undefined
      ? undefined
      : createTenantDirectory({ baseUrl: settings.tenantUrl, fetch: tracing.fetch });

  const brokers = settings.redpandaBrokers;
  // Only sinks that somebody relays: rows for another would pile up.
  const outboxSinks = brokers.length === 0 ? [ORGANIZATION_SINK] : [ORGANIZATION_SINK, KAFKA_SINK];
  observeOutbox({ database, sinks: outboxSinks, registry, now });

  const vouchers = createVoucherService({ database, grants });
  const readinessCheck = createReadiness({ database, now, logger });
  const limiter = createPreviewLimiter({ limits: settings.previewLimits });
  const issueLimiter = createIssueLimiter({ perMinute: settings.issueLimit });
  const background = createBackground({ database, brokers, tenants, logger, registry });
  const countPlacedOrder = createPlacedOrderCount(registry);
  const payment = createPayment({
    database,
    configuration: settings.payment,
    sovereignFqdn,
    outboxSinks,
    now,
    logger,
    registry,
    countPlacedOrder,
  });
  const checkout = createCheckout({
    database,
    catalog,
    call: createCheckoutCall({ database, sovereignFqdn, outboxSinks }),
    tenants,
    payment: payment.orders,
    countPlacedOrder,
  });

  const operations: Operation[] = [
    ...voucherOperations({ vouchers, limiter, issueLimiter }),
    bulkIssueOperation({ vouchers, issueLimiter, branding, sovereignFqdn }),
    voucherAuditOperation({ vouchers }),
    ...accountOperations({
      checkout,
      accounts: createAccountService({ database, tenants }),
      payment: payment.orders,
    }),
    ...adminOperations({
      revenue: createRevenueService({ database, sovereignFqdn }),
      settings: payment.settings,
      receivePaymentEvent: payment.receiveEvent,
    }),
    ...errorOperations(),
    ...reportOperations({ reports: createReportService({ database }) }),
    ...adminPageOperations({ branding, sovereignFqdn, signIn: settings.adminSignIn }),
    ...pageOperations({
      vouchers,
      limiter,
      branding,
      sovereignFqdn,
      readiness: async () => answerOf(await readinessCheck.current()),
      registry,
      apiDocument: () => apiDocument,
    }),
  ];
  const apiDocument = writeApi(operations);

  return {
    app: createApp({
      operations,
      verifyToken: createTokenVerifier({ settings: settings.token, operatorKeys, now, logger }),
      validator: createValidator(),
      clientAddress: createClientAddress(settings.trustedProxies),
      corsOrigins: settings.corsOrigins,
      logger,
      registry,
      tracing,
    }),
    async ready(signal) {
      for (;;) {
        signal.throwIfAborted();
        const state = await readinessCheck.current();
        if (state.kind === "ready") return;
        if (state.kind === "mismatch") throw new SchemaMismatchError(state.reason);
        await sleep(RETRY_MS, signal);
      }
    },
    readiness: () => readinessCheck.current(),
    async run(signal) {
      await Promise.all([payment.sweeper.run(signal), background(signal)]);
    },
    sweep: () => payment.sweeper.sweep(),
    drain: () => readinessCheck.drain(),
    close: async () => {
      if (deps.pool === undefined) await pool.end();
    },
  };
}

function catalogOf(
  settings: BillingSettings,
  file: (() => ReturnType<typeof parseCatalogFile>) | undefined,
  tracing: Tracing,
  now: () => Date,
): CatalogSource {
  if (file !== undefined) return createCatalogSource(file);
  if (settings.catalogUrl !== undefined)
    return createCatalogClient({ baseUrl: settings.catalogUrl, fetch: tracing.fetch, now });
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

function answerOf(state: ReadinessState): Readiness {
  switch (state.kind) {
    case "ready":
      return { ready: true, body: { status: "ok", schema: state.schema } };
    case "draining":
      return { ready: false, body: { status: "draining", reason: "the service is shutting down" } };
    case "unavailable":
    case "mismatch":
      return { ready: false, body: { status: "unavailable", reason: state.reason } };
  }
}
