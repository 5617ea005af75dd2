import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { parse } from "yaml";
import { createArtifactCheck } from "../../../src/admission/artifact-check.ts";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { createOciClient } from "../../../src/admission/signature/oci-client.ts";
import { createRegistryRequest } from "../../../src/admission/signature/registry-request.ts";
import { createSignatureVerifier } from "../../../src/admission/signature/verifier.ts";
import { NO_TRUST } from "../../../src/admission/trust-policy.ts";
import { publishedBundles } from "../../../src/admission/webhook-configuration.ts";
import {
  FIELD_MANAGER,
  SYSTEM_NAMESPACE,
  WEBHOOK_CONFIGURATION,
  WEBHOOK_SERVICE,
} from "../../../src/api/name.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { readOperatorSettings } from "../../../src/cli/operator-flag.ts";
import {
  createWebhookConfigurationReconciler,
  webhookConfigurationWatches,
} from "../../../src/controllers/webhook-configuration/controller.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { createEventRecorder } from "../../../src/kube/event.ts";
import { createReconcileMetrics } from "../../../src/kube/metric.ts";
import { createController } from "../../../src/kube/reconcile.ts";
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../../src/kube/resource.ts";
import { createCaches } from "../../../src/operator/cache.ts";
import { startWebhook, type Webhook } from "../../../src/operator/webhook.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { sleep } from "../../../src/platform/shutdown.ts";

const CRDS = join(import.meta.dirname, "../../../crds");
export const WEBHOOK_HOST = `${WEBHOOK_SERVICE}.${SYSTEM_NAMESPACE}.svc`;

/** The objects on a cluster before the operator starts: its namespace and the kinds. */
export async function prepareCluster(client: KubeClient): Promise<void> {
  const create = (path: string, body: unknown) => client.request({ method: "POST", path, body });
  await create("/api/v1/namespaces", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: SYSTEM_NAMESPACE },
  });
  for (const file of readdirSync(CRDS))
    await create(
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
      parse(readFileSync(join(CRDS, file), "utf8")),
    );
}

export interface WebhookReplica {
  webhook: Webhook;
  /** Fingerprint of the certificate that it serves. */
  served(): Promise<string>;
}

/** Runs the operator's webhook as a replica does. The leader also publishes the configuration. */
export async function startWebhookReplica(
  client: KubeClient,
  options: { leads: boolean; settleMs: number; signal: AbortSignal; env?: Record<string, string> },
): Promise<WebhookReplica> {
  const { leads, settleMs, signal, env = {} } = options;
  const logger = createLogger("replica", "silent");
  const now = () => new Date();
  const caches = createCaches({ client, logger });
  void caches.run(signal);
  await caches.synced();
  const webhook = await startWebhook({
    ...{ client, caches, logger, now, settleMs, pollMs: 100 },
    settings: readOperatorSettings([], { HOST: "127.0.0.1", WEBHOOK_PORT: "0", ...env }),
    checkArtifact: createArtifactCheck({
      verifier: createSignatureVerifier({
        logger,
        client: createOciClient(createRegistryRequest({ mirrors: new Map(), isInsecure: () => false })),
      }),
      trust: () => NO_TRUST,
      now,
    }),
    identities: identityLists(),
    events: createEventRecorder({ client, component: "replica", instance: "replica", logger, now }),
    registry: new Registry(),
  });
  webhook.maintain(signal);
  if (leads) {
    const deps = {
      client,
      applier: createApplier({ client, fieldManager: FIELD_MANAGER, now }),
      configurations: caches.webhookConfigurations,
      desired: webhook.desired,
      onDesired: webhook.onDesired,
      onApplied: () => {},
    };
    const controller = createController(
      { logger, metrics: createReconcileMetrics(new Registry()) },
      {
        name: "webhookconfiguration",
        watches: webhookConfigurationWatches(deps),
        reconcile: createWebhookConfigurationReconciler(deps),
      },
    );
    void controller.run(signal);
  }
  return { webhook, served: () => shakeHands(webhook.server.port) };
}

/** The CAs that the configuration carries, as an API server reads them. */
export async function publishedBundle(client: KubeClient): Promise<string> {
  const configuration = await client.get<KubernetesObject>(VALIDATING_WEBHOOK_CONFIGURATIONS, {
    name: WEBHOOK_CONFIGURATION,
  });
  return publishedBundles(configuration)[0] ?? "";
}

/**
 * Opens a connection, and returns the fingerprint of the served certificate. With `ca`, the certificate must be valid under
 * it.
 */
function shakeHands(port: number, ca?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...{ host: "127.0.0.1", port, servername: WEBHOOK_HOST },
      ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
    });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
  });
}

export interface ImpatientClient {
  handshakes(): number;
  /** Stops, and returns the errors of refused connections. */
  stop(): Promise<string[]>;
}

/** Connects to every replica repeatedly, as API servers do. It trusts the published bundle, and gets a new one `lagMs` late. */
export function connectForever(
  client: KubeClient,
  replicas: readonly WebhookReplica[],
  lagMs: number,
): ImpatientClient {
  const refusals: string[] = [];
  let count = 0;
  let isStopped = false;
  async function run(): Promise<void> {
    while (!isStopped) {
      const bundle = await publishedBundle(client);
      const until = performance.now() + lagMs;
      while (!isStopped && performance.now() < until) {
        for (const { webhook } of replicas) {
          count += 1;
          await shakeHands(webhook.server.port, bundle).catch((error: Error) => refusals.push(error.message));
        }
        await sleep(20);
      }
    }
  }
  const done = run();
  return {
    handshakes: () => count,
    async stop() {
      isStopped = true;
      await done;
      return refusals;
    },
  };
}
