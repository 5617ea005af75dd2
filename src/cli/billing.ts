import { createBillingService } from "../billing/service.ts";
import { readBillingSettings } from "../billing/settings.ts";
import { createEnvReader } from "../platform/env.ts";
import { errorMessage, UsageError } from "../platform/errors.ts";
import { startHttpServer } from "../platform/http-server.ts";
import { createLogger, LOG_LEVELS } from "../platform/log.ts";
import { createMetricsRegistry } from "../platform/metrics.ts";
import { aborted, sleep } from "../platform/shutdown.ts";
import { type Command, EXIT } from "./command.ts";

const ENVIRONMENT = [
  ["DATABASE_URL", "the database: postgres://…"],
  ["SOVEREIGN_FQDN", "the Sovereign's domain name: the audience of the operator's tokens, shown on orders"],
  ["HOST, PORT", "address and port to listen on (all addresses, 8085)"],
  [
    "OIDC_ISSUER, OIDC_AUDIENCE",
    "the issuer of tokens, and their audience; OIDC_JWKS_URL replaces discovery",
  ],
  [
    "OIDC_CA_FILE",
    "a PEM file with the authorities of the issuer's certificate, read again when it changes; absent: the public authorities",
  ],
  ["OIDC_CLIENT_ID", "the public client for sign-in on /admin; absent: administrators paste a token"],
  ["JWT_SECRET", "verifies HS256 tokens, at least 32 bytes; absent: they are refused"],
  ["OPERATOR_JWKS_FILE", "the operator's public keys, which verify its tokens"],
  ["CATALOG_URL or CATALOG_FILE", "the source of prices"],
  ["BRANDING_FILE, GRANTS_FILE", "the Sovereign's branding, the Franchise's grants.vouchers"],
  [
    "ORDER_NOTICE_FILE",
    "the address to notify of placed orders; absent: the operator finds them at its next sweep",
  ],
  ["TENANT_URL", "the tenant service, which returns a tenant's members and subdomain"],
  [
    "REDPANDA_BROKERS",
    "host:port,…: orders are sent to the topic sme.order.events, and tenant.deleted is read from sme.tenant.events; absent: neither",
  ],
  ["CORS_ORIGIN", "origins that browsers may call from, comma-separated"],
  ["TRUSTED_PROXIES", "addresses or CIDRs whose X-Forwarded-For is trusted"],
  ["PREVIEW_LIMIT", "previews per client and minute (60; 0 = no limit)"],
  ["PREVIEW_MISS_LIMIT", "previews that find nothing, per client and minute (10; 0 = no limit)"],
  [
    "ISSUE_LIMIT",
    "issued vouchers per user and minute (120; 0 = no limit); a bulk issue counts one per 1,000 codes",
  ],
  [
    "STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, STRIPE_PUBLIC_KEY",
    "card payments; absent: the keys of PUT /billing/admin/settings",
  ],
  ["SETTINGS_KEY", "encrypts those keys in the database, at least 32 bytes (default: JWT_SECRET)"],
  ["STRIPE_API_BASE", "replaces the origin of Stripe's API"],
  [
    "SUCCESS_URL, CANCEL_URL",
    "where the browser returns after a payment (https://<SOVEREIGN_FQDN>/?checkout=…)",
  ],
  ["CURRENCY", "ISO 4217 code of the currency of all amounts (OMR)"],
  ["DATABASE_MAX_CONNECTIONS", "connections to the database (10)"],
  ["DRAIN_SECONDS", "seconds to keep serving after SIGTERM, while /readyz answers 503 (0)"],
  ["REQUEST_SECONDS", "seconds within which a request's headers and body must arrive (30)"],
  ["LOG_LEVEL", "trace, debug, info (default), warn, error"],
] as const;

/** An ingress opens far fewer connections. One takes about 10 kB, so all of them take about 20 MB. */
const MAX_CLIENT_CONNECTIONS = 2_048;

export const command: Command = {
  summary: "serve a Sovereign's voucher API",
  description: [
    "Serves the voucher API of one Sovereign. It does not migrate the database: it refuses to start when the schema has another version. While the database does not answer, requests get 503 and /readyz reports unready.",
    "Every secret can also come from a file: NAME_FILE.",
  ],
  flags: [],
  environment: ENVIRONMENT,
  exitCodes: "0 stopped by a signal, 1 wrong schema version or cannot listen, 2 wrong usage",
  endsItself: true,
  async run({ args, env, signal }) {
    if (args.length > 0) throw new UsageError(`billing takes no arguments: ${args[0]}`);
    const reader = createEnvReader(env);
    // An empty secret is a mistake in the deployment, not a choice to run without one.
    const namesSecret = env.JWT_SECRET !== undefined || env.JWT_SECRET_FILE !== undefined;
    if (namesSecret && reader.optional("JWT_SECRET") === undefined) {
      throw new UsageError("JWT_SECRET is empty: generate one of at least 32 bytes, or leave it out");
    }
    const host = reader.optional("HOST");
    const port = reader.integer("PORT", 8085, 0, 65_535);
    const drainMs = reader.integer("DRAIN_SECONDS", 0, 0, 300) * 1_000;
    const requestMs = reader.integer("REQUEST_SECONDS", 30, 1, 300) * 1_000;
    const settings = readBillingSettings(reader);
    const logger = createLogger("billing", reader.oneOf("LOG_LEVEL", LOG_LEVELS, "info"), { behind: true });
    const service = createService(() =>
      createBillingService({ settings, now: () => new Date(), logger, registry: createMetricsRegistry() }),
    );
    let background: Promise<void> | undefined;
    try {
      // Refuse a database with another version before clients can connect.
      const state = await service.readiness();
      if (state.kind === "mismatch") throw new Error(state.reason);
      const limits = { requestMs, connections: MAX_CLIENT_CONNECTIONS };
      const server = await startHttpServer({ handler: service.app, host, port, limits });
      logger.info({ origin: server.origin, sovereign: settings.sovereignFqdn }, "listening");
      try {
        // A database that was down at the start may have another version when it returns. The service then refuses it.
        background = service.ready(signal).then(() => service.run(signal));
        await Promise.race([background, aborted(signal)]);
      } finally {
        logger.info("draining");
        service.drain();
        server.drain();
        if (signal.aborted) await sleep(drainMs);
        await server.close(10_000);
      }
      return EXIT.done;
    } finally {
      await background?.catch(() => undefined);
      await service.close();
    }
  },
};

/** A missing or invalid file is a usage error, like a missing or invalid variable. */
function createService<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    throw new UsageError(errorMessage(error), { cause: error });
  }
}
