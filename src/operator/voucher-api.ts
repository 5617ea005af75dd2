import type { RequestListener } from "node:http";
import { isOperated, type Sovereign } from "../api/sovereign.ts";
import type { BillingService } from "../billing/service.ts";
import { SOVEREIGN_INDEX } from "../controllers/sovereign/cache.ts";
import type { KubeClient } from "../kube/client.ts";
import { canonicalJson } from "../platform/canonical-json.ts";
import type { Env } from "../platform/env.ts";
import { errorMessage } from "../platform/errors.ts";
import { type RunningHttpServer, startHttpServer } from "../platform/http-server.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import { createEnvironmentReader, isMigrated } from "./billing-environment.ts";
import type { OperatorCaches } from "./cache.ts";
import { createEmbeddedBilling } from "./embedded-billing.ts";
import { createOrderNoticeHandler, isOrderNotice } from "./order-notice.ts";
import type { OutboxRelay } from "./outbox-relay.ts";
import type { OperatorSettings } from "./settings.ts";

/** Each check reads only the caches, unless a Secret or the Sovereign has changed. */
const CHECK_MS = 2_000;

export interface VoucherApiDeps {
  client: KubeClient;
  caches: OperatorCaches;
  settings: Pick<OperatorSettings, "host" | "voucherApiPort" | "voucherApiSovereign">;
  /** Receives the notices of placed orders, from this process and from billing Pods. */
  relay: Pick<OutboxRelay, "notice">;
  logger: Logger;
  now: () => Date;
  /** The time between two checks of the Sovereign and its Secrets; default 2 s. */
  checkMs?: number;
  /** Closes the billing service behind the server. The caller closes the server first. */
  signal: AbortSignal;
}

/**
 * Serves the voucher API of one Sovereign from the operator. A changed Secret or variable replaces the billing service.
 * Answers 503 until the Sovereign's database is migrated.
 */
export async function startVoucherApi(
  deps: VoucherApiDeps,
): Promise<{ server: RunningHttpServer; stopped: Promise<void> }> {
  const { client, caches, settings, logger, signal, checkMs = CHECK_MS } = deps;
  // The result of a notice from this process is ignored, because the relay itself repeats a pass that fails.
  const onOrderPlaced = (fqdn: string) => void deps.relay.notice(fqdn);
  const receiveNotice = createOrderNoticeHandler(deps.relay);
  const readEnvironment = createEnvironmentReader({ client, secretVersions: caches.secretVersions });
  let serving: { service: BillingService; identity: string; name: string } | undefined;

  /**
   * While a served Sovereign migrates, its service continues with the earlier version, because a migration is compatible
   * with the version before it.
   */
  const mayServe = (sovereign: Sovereign) =>
    isMigrated(sovereign) || (sovereign.metadata.name === serving?.name && isOperated(sovereign));

  async function refresh(): Promise<void> {
    const sovereign = findSovereigns(caches, settings.voucherApiSovereign).find(mayServe);
    const env = sovereign && (await readEnvironment(sovereign));
    const name = sovereign?.metadata.name;
    // While a Secret is missing, the service keeps the values that it started with, as the Pods do.
    if (env === undefined && name !== undefined && name === serving?.name) return;
    const wanted = sovereign && env && { sovereign, env, identity: canonicalJson([name, env]) };
    if (wanted?.identity === serving?.identity) return;
    const next = wanted && {
      identity: wanted.identity,
      name: wanted.sovereign.metadata.name,
      service: await openBilling(wanted),
    };
    const before = serving;
    serving = next;
    await before?.service.close();
    if (wanted !== undefined)
      logger.info({ sovereign: wanted.sovereign.metadata.name }, "the embedded voucher API serves");
  }

  /**
   * Throws, so that the earlier service continues, when the new one's database is at another version or belongs to another
   * Sovereign.
   */
  async function openBilling({
    sovereign,
    env,
  }: {
    sovereign: Sovereign;
    env: Env;
  }): Promise<BillingService> {
    const service = createEmbeddedBilling({ ...deps, onOrderPlaced }, sovereign, env);
    const state = await service.readiness();
    if (state.kind !== "mismatch") return service;
    await service.close();
    throw new Error(state.reason);
  }

  async function follow(): Promise<void> {
    let isFailing = false;
    while (!signal.aborted) {
      try {
        await refresh();
        if (isFailing) logger.info("the embedded voucher API can be refreshed again");
        isFailing = false;
      } catch (error) {
        // One line for each outage, not one for each attempt.
        if (!isFailing)
          logger.warn({ error: errorMessage(error) }, "the embedded voucher API could not be refreshed");
        isFailing = true;
      }
      await sleep(checkMs, signal);
    }
    await serving?.service.close();
  }

  const server = await startHttpServer({
    host: settings.host,
    port: settings.voucherApiPort,
    limits: { requestMs: 30_000, connections: 2_048 },
    handler: (request, response) =>
      (isOrderNotice(request) ? receiveNotice : (serving?.service.app ?? answerUnavailable))(
        request,
        response,
      ),
  });
  return { server, stopped: follow() };
}

/**
 * The named Sovereign, or else those with role CatalystZero. When two have this role, only one is ever migrated. This runs
 * every few seconds, so it does not read the whole fleet.
 */
function findSovereigns(
  { sovereigns }: Pick<OperatorCaches, "sovereigns">,
  name: string | undefined,
): Sovereign[] {
  if (name === undefined) return sovereigns.byIndex(SOVEREIGN_INDEX.role, "CatalystZero");
  const named = sovereigns.get(name);
  return named === undefined ? [] : [named];
}

const answerUnavailable: RequestListener = (_, response) => {
  response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "5" });
  const error = "the Sovereign that this operator serves is not migrated yet";
  response.end(JSON.stringify({ title: "Service Unavailable", status: 503, detail: error, error }));
};
