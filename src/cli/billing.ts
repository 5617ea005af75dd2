import { createBillingService } from "../billing/service.ts";
import { readBillingSettings } from "../billing/settings.ts";
import { createEnvReader } from "../platform/env.ts";
import { errorMessage, UsageError } from "../platform/errors.ts";
import { startHttpServer } from "../platform/http-server.ts";
import { createLogger } from "../platform/log.ts";
import { createMetricsRegistry } from "../platform/metrics.ts";
import { aborted, sleep } from "../platform/shutdown.ts";
import { type Command, EXIT } from "./command.ts";

const HELP = `Usage: catalyst billing

Serves the voucher API of one Sovereign. Migrates nothing: it refuses to start on a database of another schema
version. While the database is away it answers 503 and /readyz says so.

Environment (every secret also as NAME_FILE):
  DATABASE_URL                    postgres://…
  SOVEREIGN_FQDN                  the Sovereign's name: audience of the operator's tokens, shown on orders
  HOST, PORT                      where to listen (0.0.0.0, 8085)
  OIDC_ISSUER, OIDC_AUDIENCE      tokens of the Sovereign's issuer; OIDC_JWKS_URL instead of discovery
  OIDC_CLIENT_ID                  public client of administrators on /admin; absent: they sign in with a token
  JWT_SECRET                      today's HS256 tokens, at least 32 bytes; absent: they are refused
  OPERATOR_JWKS_FILE              the operator's public keys
  CATALOG_URL or CATALOG_FILE     where prices come from
  BRANDING_FILE, GRANTS_FILE      the Sovereign's branding, the Franchise's grants.vouchers
  TENANT_URL                      the tenant service, which names a tenant's members and subdomain
  REDPANDA_BROKERS                host:port,…: orders go to the topic sme.order.events, and tenant.deleted is
                                  taken from sme.tenant.events; absent: neither
  CORS_ORIGIN                     origins that browsers may call from, comma-separated
  TRUSTED_PROXIES                 addresses or CIDRs whose X-Forwarded-For is believed
  PREVIEW_LIMIT                   previews for each client and minute (60; 0 = no limit)
  PREVIEW_MISS_LIMIT              of these, ones that find nothing (10; 0 = no limit)
  ISSUE_LIMIT                     vouchers that each user issues in a minute (120; 0 = no limit); a bulk issue counts
                                  one for each 1,000 codes
  STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, STRIPE_PUBLIC_KEY
                                  card payments; absent: the keys of PUT /billing/admin/settings
  SETTINGS_KEY                    seals those keys in the database, at least 32 bytes (JWT_SECRET)
  STRIPE_API_BASE                 origin instead of Stripe's own
  SUCCESS_URL, CANCEL_URL         where a payment leads back to (https://<SOVEREIGN_FQDN>/?checkout=…)
  CURRENCY                        ISO 4217 code (OMR)
  DATABASE_MAX_CONNECTIONS        connections to the database (10)
  DRAIN_SECONDS                   time to go on serving after SIGTERM, already unready (0)
  REQUEST_SECONDS                 time within which a request must have come in, headers and body (30)
  LOG_LEVEL                       trace, debug, info (default), warn, error

Exit codes: 0 stopped by a signal, 1 wrong schema version or cannot listen, 2 wrong usage.
`;

/** Far above what an ingress opens, and at some 10 kB each far below what would hurt. */
const MAX_CLIENT_CONNECTIONS = 2_048;

export const command: Command = {
  summary: "serve a Sovereign's voucher API",
  help: HELP,
  async run({ args, env, signal }) {
    if (args.length > 0) throw new UsageError(`billing takes no arguments: ${args[0]}`);
    const reader = createEnvReader(env);
    // An empty secret is a mistake in somebody's deployment, never a wish to go without.
    const namesSecret = env.JWT_SECRET !== undefined || env.JWT_SECRET_FILE !== undefined;
    if (namesSecret && reader.optional("JWT_SECRET") === undefined) {
      throw new UsageError("JWT_SECRET is empty: generate one of at least 32 bytes, or leave it out");
    }
    const host = reader.optional("HOST") ?? "0.0.0.0";
    const port = reader.integer("PORT", 8085, 0, 65_535);
    const drainMs = reader.integer("DRAIN_SECONDS", 0, 0, 300) * 1_000;
    const requestMs = reader.integer("REQUEST_SECONDS", 30, 1, 300) * 1_000;
    const settings = readBillingSettings(reader);
    const logger = createLogger("billing", env.LOG_LEVEL || "info", { behind: true });
    const service = createService(() =>
      createBillingService({ settings, now: () => new Date(), logger, registry: createMetricsRegistry() }),
    );
    let background: Promise<void> | undefined;
    try {
      // A database that answers with another version is refused before anybody can connect to us.
      const state = await service.readiness();
      if (state.kind === "mismatch") throw new Error(state.reason);
      const limits = { requestMs, connections: MAX_CLIENT_CONNECTIONS };
      const server = await startHttpServer({ handler: service.app, host, port, limits });
      logger.info({ origin: server.origin, sovereign: settings.sovereignFqdn }, "listening");
      try {
        // One that was away and comes back with another version is refused then.
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

/** A file that is missing or wrong is wrong usage, like a variable that is. */
function createService<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    throw new UsageError(errorMessage(error), { cause: error });
  }
}
