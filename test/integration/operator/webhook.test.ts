import { once } from "node:events";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { type ConnectionOptions, connect } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Enforcement } from "../../../src/admission/enforcement.ts";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { readOperatorSettings } from "../../../src/cli/operator-flag.ts";
import { createEventRecorder } from "../../../src/kube/event.ts";
import { NAMESPACES } from "../../../src/kube/resource.ts";
import { startWebhook, type Webhook } from "../../../src/operator/webhook.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { type OperatorCluster, startOperatorCluster } from "../../support/server/operator-cluster.ts";
import { eventually } from "../../support/wait.ts";

let cluster: OperatorCluster;
let webhook: Webhook | undefined;

beforeAll(async () => {
  cluster = await startOperatorCluster("webhook-test");
});
afterEach(() => webhook?.server.close(0));
afterAll(() => cluster?.close());

async function start(webhookUrl: string | undefined, enforcement: Enforcement = "Deny"): Promise<Webhook> {
  const { client, caches } = cluster;
  const logger = createLogger("test", "silent");
  webhook = await startWebhook({
    ...{ client, caches, logger, now: () => new Date(), identities: identityLists() },
    settings: {
      ...readOperatorSettings([], { HOST: "127.0.0.1", WEBHOOK_PORT: "0" }),
      ...{ webhookUrl, enforcement },
    },
    checkArtifact: async () => ({ kind: "refused", reason: "no artifact is reviewed here" }),
    events: createEventRecorder({
      client,
      component: "test",
      instance: "test",
      logger,
      now: () => new Date(),
    }),
    registry: new Registry(),
  });
  return webhook;
}

type WebhookConfiguration = {
  webhooks: { clientConfig: { caBundle: string; url?: string; service?: object } }[];
};

/** Connects as an API server does: with the published CA, to this host name. */
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

  it("is unready while its configuration is not published, or the API server refuses to write it", async () => {
    const { unreadyReason, restoration } = await start(undefined);
    expect(unreadyReason()).toBe("the CA of the webhook's certificate is not published");
    const failure = { reason: "WriteForbidden", message: "a policy", isFinal: false };
    restoration.failed(failure, { record: () => {}, flush: async () => {}, settle: async () => {} });
    expect(unreadyReason()).toMatch(/^the API server refuses to write ValidatingWebhookConfiguration/);
  });

  const CONFIG_MAP = { resource: { group: "", version: "v1", resource: "configmaps" }, object: {} };

  /** The response to a tenant's new object in this namespace, a ConfigMap unless it is given. */
  async function reviewOf({ server, desired }: Webhook, namespace: string, created: object = CONFIG_MAP) {
    const [{ clientConfig }] = (desired() as unknown as WebhookConfiguration).webhooks as [
      WebhookConfiguration["webhooks"][0],
    ];
    const sent = request({
      ...{ host: "127.0.0.1", port: server.port, path: "/admit", method: "POST" },
      servername: "catalyst-operator-webhook.catalyst-system.svc",
      ca: Buffer.from(clientConfig.caBundle, "base64"),
    });
    sent.end(
      JSON.stringify({
        request: {
          ...{ uid: "1", operation: "CREATE", name: "x", namespace },
          userInfo: { username: "tenant", groups: [] },
          ...created,
        },
      }),
    );
    const [answer] = await once(sent, "response");
    return JSON.parse(await text(answer)).response;
  }

  /** The rules that deny it. */
  async function deniedBy(running: Webhook, namespace: string): Promise<string[]> {
    const response = await reviewOf(running, namespace);
    return (response.status?.details.causes ?? []).map(({ reason }: { reason: string }) => reason);
  }

  it("reads the OCIRepository of a HelmRelease, and lets the release wait for one that is missing", async () => {
    const running = await start(undefined);
    await cluster.client.create(NAMESPACES, {
      ...{ apiVersion: "v1", kind: "Namespace" },
      metadata: { name: "releases" },
    });
    const release = {
      resource: { group: "helm.toolkit.fluxcd.io", version: "v2", resource: "helmreleases" },
      object: {
        spec: {
          chartRef: { kind: "OCIRepository", name: "absent" },
          serviceAccountName: "installer",
        },
      },
    };
    expect(await reviewOf(running, "releases", release)).toMatchObject({ allowed: true });
  });

  it("judges a namespace by its labels, and asks the API server when the cache does not have it", async () => {
    const { client, caches } = cluster;
    const label = "catalyst.openova.io/organization";
    const create = (name: string, labels?: Record<string, string>) =>
      client.create(NAMESPACES, {
        ...{ apiVersion: "v1", kind: "Namespace" },
        metadata: { name, ...(labels === undefined ? {} : { labels }) },
      });
    const running = await start(undefined);
    await create("plain");
    await create("tenant", { [label]: "acme" });
    // Right after the creation, the cache may not have them. The answer must be the same.
    expect(await deniedBy(running, "tenant")).toEqual(["organization-namespace"]);
    expect(await deniedBy(running, "plain")).toEqual([]);
    await eventually(() => expect(caches.namespaces.get("tenant")).toBeDefined());
    expect(await deniedBy(running, "tenant")).toEqual(["organization-namespace"]);
    expect(await deniedBy(running, "plain")).toEqual([]);
    expect(await deniedBy(running, "missing")).toEqual(["unknown-namespace"]);
  });

  it("lets everything pass in Audit, says so in the answer, and reports it", async () => {
    const running = await start(undefined, "Audit");
    expect(await reviewOf(running, "catalyst-system")).toEqual({
      uid: "1",
      allowed: true,
      warnings: [expect.stringMatching(/^would be denied: platform-namespace: /)],
      auditAnnotations: { "would-deny": "platform-namespace" },
    });
    expect(running.denials.take()).toMatchObject([{ user: "tenant", rule: "platform-namespace", count: 1 }]);
    const { webhooks } = running.desired() as unknown as { webhooks: { failurePolicy: string }[] };
    expect(new Set(webhooks.map(({ failurePolicy }) => failurePolicy))).toEqual(new Set(["Ignore"]));
  });
});
