import { once } from "node:events";
import { type ConnectionOptions, connect } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { startWebhook, type Webhook } from "../../../src/operator/webhook.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { type OperatorCluster, startOperatorCluster } from "../../support/server/operator-cluster.ts";

let cluster: OperatorCluster;
let webhook: Webhook | undefined;

beforeAll(async () => {
  cluster = await startOperatorCluster("webhook-test");
});
afterEach(() => webhook?.server.close(0));
afterAll(() => cluster?.close());

async function start(webhookUrl: string | undefined): Promise<Webhook> {
  const { client, caches } = cluster;
  const logger = createLogger("test", "silent");
  webhook = await startWebhook({
    ...{ client, caches, logger, now: () => new Date(), identities: identityLists() },
    settings: { host: "127.0.0.1", webhookPort: 0, webhookUrl },
    checkArtifact: async () => ({ kind: "refused", reason: "no artifact is reviewed here" }),
    registry: new Registry(),
  });
  return webhook;
}

type WebhookConfiguration = {
  webhooks: { clientConfig: { caBundle: string; url?: string; service?: object } }[];
};

/** Connects as an API server does: under the published CA, to this host name. */
async function handshake(port: number, servername: string, caBundle: string): Promise<void> {
  const options: ConnectionOptions = {
    ...{ host: "127.0.0.1", port, servername },
    ca: Buffer.from(caBundle, "base64"),
  };
  const socket = connect(options);
  await once(socket, "secureConnect");
  socket.destroy();
}

describe("startWebhook", () => {
  it.each<[string, string | undefined, string, object]>([
    [
      "the Service",
      undefined,
      "catalyst-operator-webhook.catalyst-system.svc",
      { service: expect.objectContaining({ namespace: "catalyst-system" }) },
    ],
    [
      "the configured URL",
      "https://webhook.example:9443",
      "webhook.example",
      { url: expect.stringMatching(/^https:\/\/webhook\.example:9443\//) },
    ],
  ])("is called at %s, and its certificate has this name", async (_, url, host, clientConfig) => {
    const { server, desired } = await start(url);
    const [{ clientConfig: wanted }] = (desired() as unknown as WebhookConfiguration).webhooks as [
      WebhookConfiguration["webhooks"][0],
    ];
    expect(wanted).toMatchObject(clientConfig);
    await handshake(server.port, host, wanted.caBundle);
    await expect(handshake(server.port, "other.example", wanted.caBundle)).rejects.toMatchObject({
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  });
});
