import { createArtifactCheck } from "../admission/artifact-check.ts";
import { createOciClient } from "../admission/signature/oci-client.ts";
import { createRegistryFetch } from "../admission/signature/registry-fetch.ts";
import { limitRegistryRequests } from "../admission/signature/registry-limit.ts";
import { createRegistryRequest } from "../admission/signature/registry-request.ts";
import { createSignatureVerifier } from "../admission/signature/verifier.ts";
import { FIELD_MANAGER } from "../api/name.ts";
import { createKubeClient, type KubeClient } from "../kube/client.ts";
import { loadKubeConfig } from "../kube/connection.ts";
import { createEventRecorder } from "../kube/event.ts";
import { createCloser } from "../platform/closer.ts";
import { type RunningHttpServer, startHttpServer } from "../platform/http-server.ts";
import type { Logger } from "../platform/log.ts";
import { createMetricsRegistry } from "../platform/metrics.ts";
import { aborted, sleep } from "../platform/shutdown.ts";
import { writeAdmissionReport } from "./admission-report.ts";
import { createCaches } from "./cache.ts";
import { writeFindingReport } from "./finding-report.ts";
import { loadKeyedDigest } from "./hash-key.ts";
import { createHealthHandler } from "./health.ts";
import { createImageLookup } from "./image-lookup.ts";
import { runLeader } from "./leader.ts";
import { createFleetRelay } from "./outbox-relay.ts";
import { createPullSecretLookup } from "./pull-secret-file.ts";
import type { OperatorSettings } from "./settings.ts";
import { createSigningKeys } from "./signing-key.ts";
import { watchTrust } from "./trust-config-map.ts";
import { startVoucherApi } from "./voucher-api.ts";
import { startWebhook, type Webhook } from "./webhook.ts";

/** Open requests may take this long after the drain. The chart's grace period covers the drain and this time. */
const FINISH_MS = 5_000;

interface OperatorDeps {
  settings: OperatorSettings;
  logger: Logger;
  now: () => Date;
  /** Shuts the process down. */
  signal: AbortSignal;
}

/**
 * Runs one operator process until the signal fires and everything is closed. Rejects when a part cannot start.
 *
 * Every replica serves the webhook and the voucher API. One replica leads and reconciles.
 */
export async function runOperator({ settings, logger, now, signal }: OperatorDeps): Promise<void> {
  const registry = createMetricsRegistry();
  const parts = createCloser(logger);
  // Fires after the leader has stopped and the servers have drained: both need the caches until then.
  const serving = new AbortController();
  try {
    const client = parts.add(
      createKubeClient({
        kubeConfig: loadKubeConfig(settings.kubeconfigPath),
        userAgent: "catalyst-operator",
      }),
      (it) => it.close(),
    );
    let unreadyReason = (): string | undefined => "the process is starting";
    let describeCaches = () => "";
    const health = parts.add(
      await startHttpServer({
        host: settings.host,
        port: settings.httpPort,
        handler: createHealthHandler({
          unreadyReason: () => (signal.aborted ? "the process is shutting down" : unreadyReason()),
          describeCaches: () => describeCaches(),
          metrics: () => registry.metrics(),
        }),
      }),
      (it) => it.close(1_000),
    );
    const caches = createCaches({ client, logger });
    describeCaches = () => describeCacheAge(caches.oldest());
    const trust = watchTrust(caches, { logger, registry });
    void parts.add(caches.run(serving.signal), (running) => running);
    await Promise.race([caches.synced(), aborted(signal)]);
    if (signal.aborted) return;

    const keys = await createSigningKeys({
      ...{ client, secrets: caches.signingKeys, logger, now },
      signal: serving.signal,
    });
    const keyedDigest = await loadKeyedDigest(client);
    const registries = createOciClient(
      limitRegistryRequests(
        createRegistryRequest({
          mirrors: settings.registryMirrors,
          isInsecure: (host) => trust().insecureRegistries.includes(host),
          credentialOf: createPullSecretLookup(settings.registryPullSecretFiles, logger),
          fetch: createRegistryFetch(settings.registryCaPem),
        }),
      ),
    );
    const verifier = createSignatureVerifier({
      logger,
      trustedRoot: () => trust().trustedRoot,
      client: registries,
    });
    const checkArtifact = createArtifactCheck({ verifier, trust, now });
    const common = { client, caches, settings, logger, now };
    const events = parts.add(
      createEventRecorder({ client, component: FIELD_MANAGER, instance: settings.identity, logger, now }),
      (it) => it.flush(),
    );
    const webhook = parts.add(
      await startWebhook({ ...common, checkArtifact, identities: settings.identities, events, registry }),
      (it) => it.server.close(0),
    );
    webhook.maintain(serving.signal);
    const reports = { client, webhook, logger, now, signal: serving.signal };
    void parts.add(writeReports(reports), (written) => written);
    const relay = createFleetRelay({ client, caches, events, logger, now });
    void parts.add(relay.run(serving.signal), (running) => running);
    const voucherApi = parts.add(
      await startVoucherApi({ ...common, relay, signal: serving.signal }),
      async (it) => {
        await it.server.close(0);
        await it.stopped;
      },
    );
    unreadyReason = webhook.unreadyReason;
    logger.info(
      { webhook: webhook.server.origin, voucherApi: voucherApi.server.origin, health: health.origin },
      "serving",
    );
    // The leader and the servers end with the same signal, so another replica can lead at once, while this one still serves
    // requests.
    await Promise.all([
      runLeader({
        ...{ ...common, relay, events, keys, keyedDigest, checkArtifact, webhook, registry, signal },
        findImage: createImageLookup(registries),
      }),
      drainServers([webhook.server, voucherApi.server], { settings, logger, signal }),
    ]);
  } finally {
    serving.abort();
    await parts.close();
  }
}

/** Writes the denials and findings of this replica's webhook, until the signal fires. */
const writeReports = ({
  webhook: { denials, findings },
  now,
  ...deps
}: {
  client: KubeClient;
  webhook: Pick<Webhook, "denials" | "findings">;
  logger: Logger;
  now: () => Date;
  signal: AbortSignal;
}) =>
  Promise.all([
    writeAdmissionReport({ ...deps, report: denials }),
    writeFindingReport({ ...deps, now, rows: findings }),
  ]);

/** The age of the oldest cache, as text. An API server sends at least a bookmark each minute. */
function describeCacheAge(oldest: { resource: string; silentForMs: number } | undefined): string {
  if (oldest === undefined) return "";
  const seconds = Math.round(oldest.silentForMs / 1_000);
  return `caches: the oldest, of ${oldest.resource}, received an answer ${seconds} s ago\n`;
}

/** After the signal, serves for the drain time with `Connection: close` on each answer, and then closes the servers. */
async function drainServers(
  servers: readonly RunningHttpServer[],
  { settings, logger, signal }: Omit<OperatorDeps, "now">,
): Promise<void> {
  await aborted(signal);
  logger.info({ seconds: settings.drainSeconds }, "draining");
  for (const server of servers) server.drain();
  await sleep(settings.drainSeconds * 1_000);
  await Promise.all(servers.map((server) => server.close(FINISH_MS)));
}
