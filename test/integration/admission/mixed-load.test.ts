import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent, request } from "undici";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createArtifactCheck } from "../../../src/admission/artifact-check.ts";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { createOciClient } from "../../../src/admission/signature/oci-client.ts";
import { limitRegistryRequests } from "../../../src/admission/signature/registry-limit.ts";
import { createRegistryRequest } from "../../../src/admission/signature/registry-request.ts";
import { createSignatureVerifier } from "../../../src/admission/signature/verifier.ts";
import { NO_TRUST } from "../../../src/admission/trust-policy.ts";
import { readOperatorSettings } from "../../../src/cli/operator-flag.ts";
import { createEventRecorder } from "../../../src/kube/event.ts";
import { NAMESPACES } from "../../../src/kube/resource.ts";
import { startWebhook, type Webhook } from "../../../src/operator/webhook.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { type OperatorCluster, startOperatorCluster } from "../../support/server/operator-cluster.ts";
import { eventually } from "../../support/wait.ts";

const HOSTS = ["first.test", "second.test"];
const SIGNER = { keyless: { issuer: "https://ci.test", identity: "release" } };
const KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEnLNw3RYx9xQjXbUEw8vonX3U4+tB
kPnJq+zt386SCoG0ewIH5MB8+GjIDGArUULSDfjfM31Eae/71kavAUI0OA==
-----END PUBLIC KEY-----
`;

let cluster: OperatorCluster;
let webhook: Webhook;
let registry: Server;
/** Requests that the registry does not answer. */
const hanging: ServerResponse[] = [];
/** Each review that waits needs a connection of its own. A handshake costs milliseconds, so the cheap reviews share some. */
const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
const cheapConnections = new Agent({ connect: { rejectUnauthorized: false }, connections: 8 });

beforeAll(async () => {
  registry = createServer((_, response) => void hanging.push(response));
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
  cluster = await startOperatorCluster("mixed-load-test");
  const { client, caches } = cluster;
  const logger = createLogger("test", "silent");
  const now = () => new Date();
  const send = createRegistryRequest({
    mirrors: new Map(HOSTS.map((host) => [host, origin])),
    isInsecure: () => false,
  });
  const verifier = createSignatureVerifier({ client: createOciClient(limitRegistryRequests(send)), logger });
  const trust = () => ({ ...NO_TRUST, entries: [{ publicKey: KEY }, SIGNER] });
  webhook = await startWebhook({
    ...{ client, caches, logger, now, identities: identityLists(), registry: new Registry() },
    settings: readOperatorSettings([], { HOST: "127.0.0.1", WEBHOOK_PORT: "0" }),
    checkArtifact: createArtifactCheck({ verifier, trust, now }),
    events: createEventRecorder({ client, component: "test", instance: "test", logger, now }),
  });
  await client.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  await eventually(() => expect(caches.namespaces.get("shop")).toBeDefined());
});
afterAll(async () => {
  await dispatcher.destroy();
  await cheapConnections.destroy();
  await webhook?.server.close(0);
  registry?.closeAllConnections();
  await new Promise((resolve) => registry?.close(resolve));
  await cluster?.close();
});

interface ReviewResponse {
  allowed: boolean;
  status?: { message: string };
}

/** A tenant's new object in an ordinary namespace. */
async function review(resource: string, object: object, connections = dispatcher): Promise<ReviewResponse> {
  const { statusCode, body } = await request(`https://127.0.0.1:${webhook.server.port}/admit`, {
    ...{ method: "POST", dispatcher: connections },
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      request: {
        ...{ uid: "1", operation: "CREATE", name: "x", namespace: "shop", object },
        resource: { group: "", version: "v1", resource },
        userInfo: { username: "tenant", groups: [] },
      },
    }),
  });
  expect(statusCode).toBe(200);
  return ((await body.json()) as { response: ReviewResponse }).response;
}

const podOf = (host: string, index: number) => ({
  spec: {
    containers: [{ name: "main", image: `${host}/shop@sha256:${index.toString(16).padStart(64, "0")}` }],
  },
});

it("answers reviews that need no registry while 200 wait for one that hangs, and denies reviews beyond the queue", async () => {
  let ended = 0;
  const slow = Array.from({ length: 200 }, (_, index) =>
    review("pods", podOf(HOSTS[index % HOSTS.length] ?? "", index)).finally(() => {
      ended += 1;
    }),
  );
  // For each host, 16 requests are in progress and the others wait.
  await eventually(() => expect(hanging).toHaveLength(16 * HOSTS.length));

  const cheap = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0
        ? review("configmaps", { data: {} }, cheapConnections)
        : review(
            "pods",
            { spec: { containers: [{ name: "main", image: "shop:latest" }] } },
            cheapConnections,
          ),
    ),
  );
  expect(cheap.filter(({ allowed }) => allowed)).toHaveLength(100);
  expect(cheap.filter(({ status }) => status?.message.includes("image-digest: "))).toHaveLength(100);

  // At most 200 requests for a host wait. These requests find the queue full, and are answered at once.
  const surplus = Array.from({ length: 20 }, (_, index) =>
    review("pods", podOf("first.test", 1_000 + index)),
  );
  const refused = await Promise.any(surplus);
  expect(refused.allowed).toBe(false);
  expect(refused.status?.message).toMatch(
    /^image-signature: spec\.containers\[0\]\.image: the signature of first\.test\/shop@sha256:\w+ could not be checked, because its registry did not answer as it should; try again/,
  );
  expect(ended).toBe(0);

  registry.removeAllListeners("request");
  registry.on("request", (_, response) => void response.writeHead(404).end());
  for (const response of hanging) response.writeHead(404).end();
  const late = await Promise.all([...slow, ...surplus]);
  expect(late.filter(({ allowed }) => allowed)).toEqual([]);
  expect(late.filter(({ status }) => status?.message.includes("has no cosign signature"))).not.toEqual([]);
});
