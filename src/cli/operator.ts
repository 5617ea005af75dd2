import type { IncomingMessage, ServerResponse } from "node:http";
import { createOciClient } from "../admission/signature/oci-client.ts";
import { createSignatureVerifier } from "../admission/signature/verifier.ts";
import { FIELD_MANAGER } from "../api/name.ts";
import { createApplier } from "../kube/apply.ts";
import { createKubeClient } from "../kube/client.ts";
import { loadKubeConfig } from "../kube/connection.ts";
import { createEventRecorder } from "../kube/event.ts";
import { fenceClient } from "../kube/fence.ts";
import { runLeaderElection } from "../kube/leader-election.ts";
import { createReconcileMetrics } from "../kube/metric.ts";
import { startHttpServer } from "../platform/http-server.ts";
import { createLogger } from "../platform/log.ts";
import { createMetricsRegistry } from "../platform/metrics.ts";
import { aborted } from "../platform/shutdown.ts";
import { type Command, type CommandContext, EXIT, type ExitCode } from "./command.ts";
import { createCaches } from "./operator/cache.ts";
import { createControllers, createDriftCounter } from "./operator/controllers.ts";
import { operatorHelp, readOperatorSettings } from "./operator/flag.ts";
import { loadOperatorKey } from "./operator/key.ts";
import { relayOutboxes } from "./operator/outbox.ts";
import { startVoucherApi } from "./operator/voucher-api.ts";
import { startWebhook, watchTrust } from "./operator/webhook.ts";

/** Served on after SIGTERM, already unready, until whoever sends requests has noticed. */
const DRAIN_MS = 5_000;

export const command: Command = {
  summary: "reconcile, admit, and serve the embedded voucher API",
  help: operatorHelp(),
  run,
};

async function run({ args, env, signal }: CommandContext): Promise<ExitCode> {
  const settings = readOperatorSettings(args, env);
  const logger = createLogger("operator", settings.logLevel);
  const now = () => new Date();
  const registry = createMetricsRegistry();
  const client = createKubeClient({
    kubeConfig: loadKubeConfig(settings.kubeconfigPath),
    userAgent: "catalyst-operator",
  });
  // Ends what serves, after what works has ended.
  const serving = new AbortController();
  let isReady = false;

  const health = await startHttpServer({
    host: settings.host,
    port: settings.httpPort,
    handler: (request, response) =>
      void answerHealth(
        request,
        response,
        () => isReady && !signal.aborted,
        () => registry.metrics(),
      ),
  });
  const caches = createCaches({ client, logger });
  const trust = watchTrust(caches, logger);
  const following = caches.run(serving.signal);
  await Promise.race([caches.synced(), aborted(signal)]);

  const key = await loadOperatorKey(client, settings.namespace);
  const verifier = createSignatureVerifier({
    client: createOciClient({
      mirrors: settings.registryMirrors,
      isInsecure: (host) => trust().insecureRegistries.includes(host),
    }),
  });
  const webhook = await startWebhook({
    client,
    caches,
    settings,
    verifier,
    trust,
    platform: settings.platform,
    registry,
    logger,
    now,
  });
  webhook.maintain(serving.signal);
  const voucherApi = await startVoucherApi({ client, caches, settings, logger, now, signal: serving.signal });
  const metrics = createReconcileMetrics(registry);
  const driftCounter = createDriftCounter(registry);
  const events = createEventRecorder({
    client,
    component: FIELD_MANAGER,
    instance: settings.identity,
    logger,
    now,
  });
  isReady = true;
  logger.info(
    { webhook: webhook.server.origin, voucherApi: voucherApi.server.origin, health: health.origin },
    "serving",
  );

  await runLeaderElection({
    client,
    lease: { name: "catalyst-operator", namespace: settings.namespace },
    identity: settings.identity,
    logger,
    signal,
    async lead(leading, isLeading) {
      // For what only the leader may do; webhook and voucher API go on with their own.
      const fenced = fenceClient(client, isLeading);
      const applier = createApplier({ client: fenced, fieldManager: FIELD_MANAGER, now });
      const controllers = createControllers({
        ...{
          client: fenced,
          applier,
          caches,
          events,
          key,
          verifier,
          trust,
          webhook,
          metrics,
          driftCounter,
          logger,
          now,
        },
        concurrency: settings.concurrency,
      });
      await Promise.all([
        ...controllers.map((controller) => controller.run(leading)),
        relayOutboxes({ client: fenced, caches, logger, signal: leading }),
      ]);
    },
  });

  logger.info("draining");
  await webhook.server.close(DRAIN_MS);
  serving.abort();
  await voucherApi.stopped;
  await following;
  await events.flush();
  await health.close(1_000);
  await client.close();
  return EXIT.done;
}

async function answerHealth(
  request: IncomingMessage,
  response: ServerResponse,
  isReady: () => boolean,
  metrics: () => Promise<string>,
): Promise<void> {
  const path = request.url?.split("?")[0];
  const send = (status: number, contentType: string, body: string) => {
    response.writeHead(status, { "content-type": contentType });
    response.end(body);
  };
  if (path === "/healthz") return send(200, "text/plain", "ok\n");
  if (path === "/readyz")
    return isReady()
      ? send(200, "text/plain", "ok\n")
      : send(503, "text/plain", "caches or webhook are not ready\n");
  if (path === "/metrics") return send(200, "text/plain; version=0.0.4", await metrics());
  return send(404, "text/plain", "not found\n");
}
