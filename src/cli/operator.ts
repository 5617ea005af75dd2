import type { IncomingMessage, ServerResponse } from "node:http";
import { createOciClient } from "../admission/signature/oci-client.ts";
import { createSignatureVerifier } from "../admission/signature/verifier.ts";
import { FIELD_MANAGER, SYSTEM_NAMESPACE } from "../api/name.ts";
import { createApplier } from "../kube/apply.ts";
import { createKubeClient } from "../kube/client.ts";
import { loadKubeConfig } from "../kube/connection.ts";
import { createEventRecorder } from "../kube/event.ts";
import { runLeaderElection } from "../kube/leader-election.ts";
import { createReconcileMetrics } from "../kube/metric.ts";
import { createCaches } from "../operator/cache.ts";
import { type ControllerDeps, createControllers, createDriftCounter } from "../operator/controllers.ts";
import { relayOutboxes } from "../operator/outbox-relay.ts";
import type { OperatorSettings } from "../operator/settings.ts";
import { loadOperatorKey } from "../operator/signing-key.ts";
import { startVoucherApi } from "../operator/voucher-api.ts";
import { startWebhook, watchTrust } from "../operator/webhook.ts";
import { startHttpServer } from "../platform/http-server.ts";
import { createLogger } from "../platform/log.ts";
import { createMetricsRegistry, type Registry } from "../platform/metrics.ts";
import { aborted, sleep } from "../platform/shutdown.ts";
import { type Command, type CommandContext, EXIT, type ExitCode } from "./command.ts";
import { operatorHelp, readOperatorSettings } from "./operator-flag.ts";

/** What answers under way may take at the end; the chart's grace period holds it and the drain. */
const FINISH_MS = 5_000;

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
  // Ends what serves, after what works has ended.
  const serving = new AbortController();
  const closers: (() => Promise<unknown>)[] = [];
  const closing = <T>(part: T, close: (part: T) => Promise<unknown>): T => {
    closers.unshift(() => close(part));
    return part;
  };
  try {
    const client = closing(
      createKubeClient({
        kubeConfig: loadKubeConfig(settings.kubeconfigPath),
        userAgent: "catalyst-operator",
      }),
      (it) => it.close(),
    );
    let isReady = () => false;
    const health = closing(
      await startHttpServer({
        host: settings.host,
        port: settings.httpPort,
        handler: (request, response) =>
          void answerHealth(
            request,
            response,
            () => isReady() && !signal.aborted,
            () => registry.metrics(),
          ),
      }),
      (it) => it.close(1_000),
    );
    const caches = createCaches({ client, logger });
    const trust = watchTrust(caches, logger);
    const following = caches.run(serving.signal);
    closers.unshift(() => following);
    await Promise.race([caches.synced(), aborted(signal)]);
    if (signal.aborted) return EXIT.done;

    const key = await loadOperatorKey(client);
    const verifier = createSignatureVerifier({
      logger,
      client: createOciClient({
        mirrors: settings.registryMirrors,
        isInsecure: (host) => trust().insecureRegistries.includes(host),
      }),
    });
    const serves = { client, caches, settings, logger, now };
    const webhook = closing(
      await startWebhook({ ...serves, verifier, trust, platform: settings.platform, registry }),
      (it) => it.server.close(0),
    );
    webhook.maintain(serving.signal);
    const voucherApi = closing(await startVoucherApi({ ...serves, signal: serving.signal }), async (it) => {
      await it.server.close(0);
      await it.stopped;
    });
    const events = closing(
      createEventRecorder({ client, component: FIELD_MANAGER, instance: settings.identity, logger, now }),
      (it) => it.flush(),
    );
    isReady = webhook.isPublished;
    logger.info(
      { webhook: webhook.server.origin, voucherApi: voucherApi.server.origin, health: health.origin },
      "serving",
    );

    // Both begin with the signal: somebody else may lead at once, while requests still come here.
    const drain = async () => {
      await aborted(signal);
      logger.info("draining");
      const servers = [webhook.server, voucherApi.server];
      for (const server of servers) server.drain();
      await sleep(settings.drainSeconds * 1_000);
      await Promise.all(servers.map((server) => server.close(FINISH_MS)));
    };
    const shared = { caches, events, key, verifier, trust, webhook, logger, now };
    await Promise.all([lead({ ...shared, client, settings, registry, signal }), drain()]);
    return EXIT.done;
  } finally {
    serving.abort();
    for (const close of closers)
      await close().catch((error: unknown) => logger.warn({ err: error }, "a part did not end well"));
  }
}

/** Takes its turns at what only one replica does, until the signal fires. */
function lead(
  deps: Omit<
    ControllerDeps,
    "applier" | "metrics" | "driftCounter" | "concurrency" | "billingDrainSeconds"
  > & { settings: OperatorSettings; registry: Registry; signal: AbortSignal },
): Promise<void> {
  const { client, caches, settings, registry, logger, now, signal } = deps;
  const metrics = createReconcileMetrics(registry);
  const driftCounter = createDriftCounter(registry);
  const { concurrency, billingDrainSeconds } = settings;
  return runLeaderElection({
    client,
    lease: { name: FIELD_MANAGER, namespace: SYSTEM_NAMESPACE },
    identity: settings.identity,
    logger,
    signal,
    async lead(leading, fence) {
      // For what only the leader may do; webhook and voucher API go on with their own.
      const fenced = client.fenced(fence);
      const applier = createApplier({ client: fenced, fieldManager: FIELD_MANAGER, now });
      const controllers = createControllers({
        ...deps,
        client: fenced,
        ...{ applier, metrics, driftCounter, concurrency, billingDrainSeconds },
      });
      await Promise.all([
        ...controllers.map((controller) => controller.run(leading)),
        relayOutboxes({ client: fenced, caches, logger, signal: leading }),
      ]);
    },
  });
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
      : send(503, "text/plain", "caches or webhook are not ready, or it is ending\n");
  if (path === "/metrics") return send(200, "text/plain; version=0.0.4", await metrics());
  return send(404, "text/plain", "not found\n");
}
