import type { RequestListener } from "node:http";
import type pg from "pg";
import type { Registry } from "../platform/metrics.ts";
import { sleep } from "../platform/shutdown.ts";
import { createTokenVerifier } from "./auth/token.ts";
import { createBackground } from "./background.ts";
import { createCheckoutCall } from "./checkout/call.ts";
import { reportRejectedItems } from "./checkout/catalog-report.ts";
import { createCheckout } from "./checkout/checkout.ts";
import { createOwnOrders } from "./checkout/own-order.ts";
import { createDatabase, createPool, type Database } from "./db/database.ts";
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
import { orderOperations } from "./http/route/order-route.ts";
import { promoOperations } from "./http/route/promo-route.ts";
import { homeOperation, redeemOperation } from "./http/route/redeem-route.ts";
import { reportOperations } from "./http/route/report-route.ts";
import { type Readiness, serviceOperations } from "./http/route/service-route.ts";
import { voucherAuditOperations } from "./http/route/voucher-audit-route.ts";
import { voucherOperations } from "./http/route/voucher-route.ts";
import { createTracing } from "./http/trace-context.ts";
import { createValidator } from "./http/validation.ts";
import { createAccountService } from "./ledger/account.ts";
import { observeBooks } from "./ledger/books-metric.ts";
import { createMonthlyRevenue } from "./ledger/monthly-revenue.ts";
import { createReportService } from "./ledger/report.ts";
import { createRevenueService } from "./ledger/revenue.ts";
import { createPlacedOrderCount, observePool } from "./metric.ts";
import { createPayment } from "./payment/payment.ts";
import { createReadiness, DatabaseMismatchError, type ReadinessState } from "./readiness.ts";
import { openSources, type SourceDeps } from "./source.ts";
import { createVoucherService } from "./voucher/voucher-service.ts";

export interface BillingServiceDeps extends SourceDeps {
  /** Replaces the service's own pool. `close` does not end it. */
  pool?: pg.Pool;
  registry: Registry;
}

export interface BillingService {
  /** For any HTTP server. */
  app: RequestListener;
  /** The text of /openapi.json. */
  apiDocument: string;
  /**
   * Resolves when the database is at this program's schema version, and waits while the database does not answer. Rejects
   * with `DatabaseMismatchError`, which names what was found, when it is at another version or another Sovereign's.
   */
  ready(signal: AbortSignal): Promise<void>;
  readiness(): Promise<ReadinessState>;
  /**
   * The background work, until the signal fires: settling overdue orders, relaying events, reading the tenant topic,
   * deleting old rows, and sending notices of orders to the operator. Start it when the service is ready.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Settles the orders that are overdue now. Throws when the database or the payment processor does not answer. */
  sweep(): Promise<void>;
  /** Reports unready from now on, so that clients stop sending requests. Requests that arrive are still answered. */
  drain(): void;
  close(): Promise<void>;
}

const RETRY_MS = 500;

/** Assembles the billing service, for `catalyst billing` and for the operator's embedded voucher API. */
export function createBillingService(deps: BillingServiceDeps): BillingService {
  const { settings, now, logger, registry } = deps;
  const { sovereignFqdn } = settings;
  const { currency } = settings.payment;
  const pool = deps.pool ?? createPool(settings.databaseUrl, settings.maxConnections, logger, sovereignFqdn);
  const database = createDatabase(pool);
  const tracing = createTracing();
  const sources = openSources(deps, tracing.fetch);
  const { branding, grants, catalog, tenants, orderNotice, ...tokenSources } = sources;
  const brokers = settings.redpandaBrokers;
  // Without a relay, the rows of a sink would never be delivered.
  const outboxSinks = brokers.length === 0 ? [ORGANIZATION_SINK] : [ORGANIZATION_SINK, KAFKA_SINK];
  observe({ database, sinks: outboxSinks, registry, now });

  const vouchers = createVoucherService({ database, grants });
  const readinessCheck = createReadiness({ database, sovereignFqdn, now, logger });
  const limiter = createPreviewLimiter({ limits: settings.previewLimits });
  const issueLimiter = createIssueLimiter({ perMinute: settings.issueLimit });
  const background = createBackground({ database, brokers, tenants, logger, registry });
  const countPlacedOrder = createPlacedOrderCount(registry, deps.onOrderPlaced ?? orderNotice?.placed);
  const shared = { database, now, logger, registry };
  const payment = createPayment({
    ...shared,
    configuration: settings.payment,
    sovereignFqdn,
    outboxSinks,
    countPlacedOrder,
  });
  const checkout = createCheckout({
    ...shared,
    catalog: reportRejectedItems(catalog, { logger, registry }),
    call: createCheckoutCall({ database, sovereignFqdn, outboxSinks }),
    tenants,
    payment: payment.orders,
    currency,
    countPlacedOrder,
  });

  const operations: Operation[] = [
    ...voucherOperations({ vouchers, limiter, issueLimiter }),
    ...promoOperations({ vouchers, issueLimiter }),
    bulkIssueOperation({ vouchers, issueLimiter, branding, sovereignFqdn }),
    ...voucherAuditOperations({ vouchers }),
    ...orderOperations({ checkout, orders: createOwnOrders({ database, payment: payment.orders }) }),
    ...accountOperations({ accounts: createAccountService({ database, tenants }), payment: payment.orders }),
    ...adminOperations({
      revenue: createRevenueService({ database, sovereignFqdn }),
      readMonth: createMonthlyRevenue({ database, sovereignFqdn, currency }),
      settings: payment.settings,
      receivePaymentEvent: payment.receiveEvent,
    }),
    ...errorOperations(),
    ...reportOperations({ reports: createReportService({ database }) }),
    ...adminPageOperations({ branding, sovereignFqdn, currency, signIn: settings.adminSignIn }),
    homeOperation(),
    redeemOperation({ vouchers, limiter, branding, sovereignFqdn, currency }),
    ...serviceOperations({
      readiness: async () => answerOf(await readinessCheck.current()),
      registry,
      apiDocument: () => apiDocument,
    }),
  ];
  const apiDocument = writeApi(operations);

  return {
    app: createApp({
      operations,
      verifyToken: createTokenVerifier({ ...shared, ...tokenSources, settings: settings.token }),
      validator: createValidator(),
      clientAddress: createClientAddress(settings.trustedProxies),
      corsOrigins: settings.corsOrigins,
      logger,
      registry,
      tracing,
    }),
    apiDocument: apiDocument.text,
    async ready(signal) {
      for (;;) {
        signal.throwIfAborted();
        const state = await readinessCheck.current();
        if (state.kind === "ready") return;
        if (state.kind === "mismatch") throw new DatabaseMismatchError(state.reason);
        await sleep(RETRY_MS, signal);
      }
    },
    readiness: () => readinessCheck.current(),
    async run(signal) {
      await Promise.all([payment.sweeper.run(signal), background(signal), orderNotice?.run(signal)]);
    },
    sweep: () => payment.sweeper.sweep(),
    drain: () => readinessCheck.drain(),
    close: async () => {
      if (deps.pool === undefined) await pool.end();
    },
  };
}

/** The metrics that are read from the pool and the database. */
function observe(deps: Parameters<typeof observeOutbox>[0] & { database: Database }): void {
  observePool(deps.database.pool, deps.registry);
  observeBooks(deps);
  observeOutbox(deps);
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
