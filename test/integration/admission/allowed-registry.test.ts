import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BLUEPRINT, type Blueprint } from "../../../src/api/blueprint.ts";
import { FRANCHISE } from "../../../src/api/franchise.ts";
import type { KindDefinition } from "../../../src/api/kind.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { CONFIG_MAPS, NAMESPACES, type Resource, resourceOf } from "../../../src/kube/resource.ts";
import { findFreePort } from "../../../src/playground/process/free-port.ts";
import { type ApiConnection, createApiConnection } from "../../../src/playground/story/api-connection.ts";
import { franchise } from "../../support/builder/catalyst-object.ts";
import { startTestControlPlane, type TestControlPlane } from "../../support/server/kube-apiserver.ts";
import { prepareCluster } from "../../support/server/webhook-replica.ts";
import { eventually } from "../../support/wait.ts";

const MAIN = join(import.meta.dirname, "../../../src/cli/main.ts");
const DIGEST = `sha256:${"a".repeat(64)}`;
const BLUEPRINTS = "/apis/catalyst.openova.io/v1alpha1/namespaces/catalog-sovereign/blueprints";
const TRUST = "allowedRegistries: [registry.test/allowed]\n";

let plane: TestControlPlane;
let client: KubeClient;
let api: ApiConnection;
let operator: ChildProcess;

beforeAll(async () => {
  plane = await startTestControlPlane("embedded");
  client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "allowed-registry-test" });
  api = createApiConnection(plane.kubeconfigPath);
  await prepareCluster(client);
  await client.create(NAMESPACES, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "catalog-sovereign" },
  });
  await client.create(CONFIG_MAPS, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "catalyst-trust", namespace: "catalyst-system" },
    data: { "trust.yaml": TRUST },
  } as never);
  const omantel = franchise("omantel");
  await client.create(resourceOf(FRANCHISE), {
    ...omantel,
    spec: { ...omantel.spec, grants: { privateBlueprints: { max: 5 } } },
  } as never);
  await api.send({
    method: "POST",
    path: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    body: {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "franchisee" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "omantel-admin" }],
    },
  });
  await startOperator();
});
afterAll(async () => {
  if (operator?.exitCode === null && operator.signalCode === null) {
    operator.kill("SIGKILL");
    await once(operator, "close");
  }
  await api?.close();
  await client?.close();
  await plane?.close();
});

/** Resolves once the webhook serves and its configuration is published: the operator is ready then. */
async function startOperator(): Promise<void> {
  const [webhookPort, healthPort] = [await findFreePort(), await findFreePort()];
  operator = spawn(process.execPath, [MAIN, "operator"], {
    env: {
      PATH: process.env.PATH ?? "",
      KUBECONFIG: plane.kubeconfigPath,
      HOST: "127.0.0.1",
      WEBHOOK_PORT: String(webhookPort),
      WEBHOOK_URL: `https://127.0.0.1:${webhookPort}`,
      VOUCHER_API_PORT: "0",
      HTTP_PORT: String(healthPort),
      // A closed port: the test fails if anything asks the registry for a signature.
      REGISTRY_MIRRORS: `registry.test=http://127.0.0.1:${await findFreePort()}`,
    },
    stdio: "ignore",
  });
  await eventually(
    async () => expect((await fetch(`http://127.0.0.1:${healthPort}/readyz`)).status).toBe(200),
    100_000,
  );
}

const createAsFranchisee = (name: string, repository: string) =>
  api.send({
    method: "POST",
    path: BLUEPRINTS,
    as: "omantel-admin",
    asGroups: ["system:authenticated"],
    body: {
      apiVersion: "catalyst.openova.io/v1alpha1",
      kind: "Blueprint",
      metadata: { name },
      spec: {
        version: "1.0.0",
        source: { ref: `oci://${repository}@${DIGEST}` },
        visibility: "private",
        franchise: "omantel",
        card: { title: name },
      },
    },
  });

const resource: Resource = resourceOf(BLUEPRINT as KindDefinition);
const statusOf = async (name: string) =>
  (await client.get<Blueprint>(resource, { name, namespace: "catalog-sovereign" }))?.status;

describe("an unsigned Blueprint", () => {
  it("passes admission and becomes Verified from an allowed registry", async () => {
    expect(await createAsFranchisee("shop", "registry.test/allowed/shop")).toMatchObject({ status: 201 });
    await eventually(async () =>
      expect((await statusOf("shop"))?.conditions).toMatchObject([{ type: "Ready" }, { type: "Verified" }]),
    );
    const status = await statusOf("shop");
    const verdict = {
      status: "True",
      reason: "RegistryAllowed",
      message:
        "no signature is required: registry.test/allowed is an allowed registry in ConfigMap catalyst-system/catalyst-trust",
    };
    expect(status).toMatchObject({
      verifiedDigest: DIGEST,
      conditions: [
        { type: "Ready", ...verdict },
        { type: "Verified", ...verdict },
      ],
    });
    expect(status).not.toHaveProperty("signedBy");
  });

  it("loses Verified as soon as the trust no longer allows its registry, and gets it back", async () => {
    const trust = { name: "catalyst-trust", namespace: "catalyst-system" };
    const write = (text: string) => client.mergePatch(CONFIG_MAPS, trust, { data: { "trust.yaml": text } });
    const verified = async () =>
      (await statusOf("shop"))?.conditions?.find(({ type }) => type === "Verified")?.reason;
    await write("allowedRegistries: [registry.test/other]\n");
    await eventually(async () => expect(await verified()).toBe("VerificationFailed"));
    await write(TRUST);
    await eventually(async () => expect(await verified()).toBe("RegistryAllowed"));
  });

  it.each([
    ["beside an allowed registry", "registry.test/allowed-not/shop"],
    ["that leaves an allowed registry through ..", "registry.test/allowed/../shop"],
  ])("%s is denied", async (_, repository) => {
    const answer = await createAsFranchisee("other", repository);
    expect(answer).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining("blueprint-signature: spec.source.ref: ") },
    });
  });
});
