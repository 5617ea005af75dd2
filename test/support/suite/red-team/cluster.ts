import { generateKeyPairSync } from "node:crypto";
import { createKubeClient } from "../../../../src/kube/client.ts";
import { startRegistry } from "../../../../src/playground/registry/server.ts";
import { signArtifact, signatureTag } from "../../../../src/playground/registry/signature.ts";
import { type ApiConnection, createApiConnection } from "../../../../src/playground/story/api-connection.ts";
import { startOperatorProcess } from "../../process/operator-process.ts";
import { startTestControlPlane } from "../../server/kube-apiserver.ts";
import { prepareCluster } from "../../server/webhook-replica.ts";
import { eventually } from "../../wait.ts";
import type { Request } from "./attempt.ts";
import {
  CHART_ARTIFACT,
  IMAGE_ARTIFACT,
  PRIVATE_ARTIFACT,
  REGISTRY,
  referenceOf,
  UNSIGNED_ARTIFACT,
} from "./object.ts";
import { PEOPLE, type Person } from "./person.ts";
import { seeds, trustConfigMap } from "./seed.ts";
import { type Answer, messageOf, sendAs } from "./sender.ts";

/** A cluster with the operator's webhook, and with what attempts need. */
export interface RedTeamCluster {
  send(by: Person, request: Request): Promise<Answer>;
  close(): Promise<void>;
}

const newKey = () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    private: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    public: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
};

/** Serves images and charts with the signatures of the platform and of Franchise omantel. */
async function startSignedRegistry() {
  const registry = await startRegistry();
  const [platform, omantel] = [newKey(), newKey()];
  for (const [artifact, key] of [
    [IMAGE_ARTIFACT, platform],
    [CHART_ARTIFACT, platform],
    [PRIVATE_ARTIFACT, omantel],
    [UNSIGNED_ARTIFACT, undefined],
  ] as const) {
    registry.push(artifact);
    if (key !== undefined)
      registry.push(
        signArtifact(artifact, referenceOf(artifact), key.private),
        signatureTag(artifact.digest),
      );
  }
  return { registry, platformKey: platform.public, omantelKey: omantel.public };
}

/** Creates the objects. A kube-apiserver serves a new kind after a short delay, so that a refusal is repeated. */
async function createAll(api: ApiConnection, requests: readonly Request[]): Promise<void> {
  for (const request of requests)
    await eventually(async () => {
      const { status, body } = await api.send(request);
      if (status >= 300 && status !== 409)
        throw new Error(`${request.path}: ${messageOf(body)} ${JSON.stringify(request.body)}`);
    });
}

export async function startRedTeamCluster(kind: "embedded" | "real"): Promise<RedTeamCluster> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const end of closers.reverse()) await end();
  };
  try {
    const plane = await startTestControlPlane(kind);
    closers.push(plane.close);
    const client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "red-team" });
    closers.push(client.close);
    const api = createApiConnection(plane.kubeconfigPath);
    closers.push(api.close);
    await prepareCluster(client);
    const { registry, platformKey, omantelKey } = await startSignedRegistry();
    closers.push(registry.close);
    await createAll(api, [...seeds(kind, omantelKey), trustConfigMap(platformKey)]);
    const operator = await startOperatorProcess(plane.kubeconfigPath, {
      REGISTRY_MIRRORS: `${REGISTRY}=${registry.origin}`,
    });
    closers.push(operator.close);
    const cluster: RedTeamCluster = {
      send: (by, request) => sendAs(api, PEOPLE[by], request),
      close,
    };
    // A kube-apiserver calls a new webhook, and applies new rights, after a short delay.
    await eventually(async () => {
      const { message } = await cluster.send("stranger", {
        method: "POST",
        path: "/api/v1/namespaces/shop/pods?dryRun=All",
        body: {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name: "p" },
          spec: { containers: [{ name: "a", image: "a" }] },
        },
      });
      if (!message.includes("image-digest")) throw new Error(`the webhook is not called: ${message}`);
    });
    return cluster;
  } catch (error) {
    await close();
    throw error;
  }
}
