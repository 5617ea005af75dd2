import type { IncomingMessage, ServerResponse } from "node:http";
import { BILLING, sovereignNamespace } from "../api/name.ts";
import type { ConfigMapObject } from "../api/object.ts";
import type { Sovereign } from "../api/sovereign.ts";
import { parseBranding } from "../billing/branding.ts";
import { parseCatalogFile } from "../billing/checkout/catalog.ts";
import { CheckoutError, VoucherError } from "../billing/errors.ts";
import { type BillingService, createBillingService, parseJwks } from "../billing/service.ts";
import { readBillingSettings } from "../billing/settings.ts";
import { parseVoucherGrants } from "../billing/voucher/grant.ts";
import type { KubeClient } from "../kube/client.ts";
import { canonicalJson } from "../platform/canonical-json.ts";
import { createEnvReader, type Env } from "../platform/env.ts";
import { errorMessage } from "../platform/errors.ts";
import { type RunningHttpServer, startHttpServer } from "../platform/http-server.ts";
import type { Logger } from "../platform/log.ts";
import { Registry } from "../platform/metrics.ts";
import { sleep } from "../platform/shutdown.ts";
import type { OperatorCaches } from "./cache.ts";
import { createConfigurationFile } from "./configuration-file.ts";
import type { OperatorSettings } from "./settings.ts";
import { isMigrated, readBillingEnvironment } from "./sovereign-database.ts";

const CHECK_MS = 2_000;
const MAX_CONNECTIONS = 5;

/**
 * The voucher API of the Sovereign that this operator runs on: the same code as its Deployment, on the same database,
 * configured by the same variables and the same ConfigMap. Answers 503 until that Sovereign's database is migrated.
 */
export async function startVoucherApi(deps: {
  client: KubeClient;
  caches: OperatorCaches;
  settings: OperatorSettings;
  logger: Logger;
  now: () => Date;
  /** Ends what stands behind the server, which whoever started it closes first. */
  signal: AbortSignal;
}): Promise<{ server: RunningHttpServer; stopped: Promise<void> }> {
  const { client, caches, settings, logger, now, signal } = deps;
  let serving: { service: BillingService; identity: string } | undefined;

  const own = (): Sovereign | undefined =>
    caches.sovereigns.list().find((sovereign) =>
      settings.voucherApiSovereign === undefined
        ? // Of two that say so, the one that was refused is never migrated.
          sovereign.spec.role === "CatalystZero" && isMigrated(sovereign)
        : sovereign.metadata.name === settings.voucherApiSovereign,
    );

  async function refresh(): Promise<void> {
    const sovereign = own();
    const env =
      sovereign !== undefined && isMigrated(sovereign)
        ? await readBillingEnvironment(client, sovereign)
        : undefined;
    const identity = env === undefined ? undefined : canonicalJson([sovereign?.metadata.name, env]);
    if (identity === serving?.identity) return;
    const before = serving;
    serving =
      sovereign === undefined || env === undefined || identity === undefined
        ? undefined
        : { identity, service: createServiceFor(sovereign, env) };
    await before?.service.close();
    if (serving !== undefined)
      logger.info({ sovereign: sovereign?.metadata.name }, "the embedded voucher API serves");
  }

  function createServiceFor(sovereign: Sovereign, env: Env): BillingService {
    const key = `${sovereignNamespace(sovereign.metadata.name, sovereign.spec.namespace)}/${BILLING.configMap}`;
    const configMaps = caches.others.find(({ resource }) => resource.kind === "ConfigMap");
    const file = <T>(
      name: string,
      parse: (json: unknown) => T,
      more: { absent?: object; keepsLast?: boolean; refuse?: (reason: string) => Error } = {},
    ): (() => T) =>
      createConfigurationFile({
        name,
        read: () => (configMaps?.get(key) as ConfigMapObject | undefined)?.data?.[name],
        parse,
        logger,
        ...more,
      });
    const catalog = file("catalog.json", parseCatalogFile, {
      refuse: (reason) =>
        new CheckoutError(
          "catalog_unavailable",
          `catalog.json of this Sovereign cannot be used (${reason}): nothing is sold until it is mended, ask the administrator`,
        ),
    });
    return createBillingService({
      settings: { ...readBillingSettings(createEnvReader(env)), maxConnections: MAX_CONNECTIONS },
      catalog: async () => catalog(),
      branding: file("branding.json", parseBranding),
      // Who cannot read what is granted issues nothing.
      grants: file("grants.json", parseVoucherGrants, {
        absent: { maxActive: 0 },
        keepsLast: false,
        refuse: (reason) =>
          new VoucherError(
            "grants_unavailable",
            `grants.json of this Sovereign cannot be used (${reason}): nothing is issued until it is mended, ask the administrator`,
          ),
      }),
      operatorKeys: file("operator-jwks.json", parseJwks, { absent: { keys: [] } }),
      now,
      logger,
      // Its own: the operator's metrics are served elsewhere, and a service may be made anew.
      registry: new Registry(),
    });
  }

  const server = await startHttpServer({
    host: settings.host,
    port: settings.voucherApiPort,
    limits: { requestMs: 30_000, connections: 2_048 },
    handler(request: IncomingMessage, response: ServerResponse) {
      if (serving !== undefined) return serving.service.app(request, response);
      response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "5" });
      const error = "this operator's Sovereign is not migrated yet";
      response.end(JSON.stringify({ title: "Service Unavailable", status: 503, detail: error, error }));
    },
  });

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      await refresh().catch((error: unknown) =>
        logger.warn({ error: errorMessage(error) }, "the embedded voucher API could not be refreshed"),
      );
      await sleep(CHECK_MS, signal);
    }
    await serving?.service.close();
  }
  return { server, stopped: follow() };
}
