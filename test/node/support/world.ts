import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { errorMessage } from "../../../src/platform/errors.ts";
import { imageReference } from "../../../src/playground/image.ts";
import { createApiConnection } from "../../../src/playground/story/api-connection.ts";
import { type Cluster, createCluster } from "../../../src/playground/story/cluster.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../../support/builder/certificate-authority.ts";
import { until } from "../../support/process/billing-process.ts";
import { runTool } from "../../support/process/tool.ts";
import { ADDONS } from "./addon.ts";
import { API_SERVER } from "./address.ts";
import { writeConfiguration } from "./configuration.ts";
import { type NodeDatabase, startNodeDatabase } from "./database.ts";
import { createNode, type KubernetesNode } from "./node.ts";
import { type NodeRegistry, pushBlueprints, startNodeRegistry } from "./registry.ts";
import { createTenant, type Tenant } from "./tenant.ts";

type Kubectl = (...args: string[]) => Promise<string>;

/** The machine of the run: the node, and beside it the registry, PostgreSQL and the people. All tests share it. */
export interface World {
  folder: string;
  node: KubernetesNode;
  database: NodeDatabase;
  /** `repository@sha256:…` of the product's image and of its next version, both signed. */
  images: [string, string];
  /** As kubeadm's administrator, who is not in system:masters. */
  cluster: Cluster;
  tenant: Tenant;
  kubectl: Kubectl;
  helm(...args: string[]): Promise<string>;
  /** Writes a file into the folder of the run and returns its path. */
  writeFile(name: string, text: string): string;
  close(): Promise<void>;
}

/** Starts the node and what is beside it. Nothing of the product is installed. */
export async function createWorld(assets: string): Promise<World> {
  const folder = mkdtempSync("/tmp/catalyst-node-");
  // run.sh finds what a killed run left by these equal names.
  const cgroup = basename(folder);
  const authority = await createCertificateAuthority("kubernetes");
  await writeConfiguration(folder, cgroup, authority);
  const node = createNode(folder, assets, cgroup);
  const closers: [part: string, close: () => Promise<unknown>][] = [["the node", () => node.close()]];
  const abort = new AbortController();
  async function close(): Promise<void> {
    abort.abort();
    for (const [part, closeNext] of closers) {
      // What does not close ends with the namespace of this run. Its message must not hide the tests' own.
      await closeNext().catch((error: unknown) =>
        console.log(`${part} did not close: ${errorMessage(error)}`),
      );
    }
    rmSync(folder, { recursive: true, force: true });
  }
  try {
    // Its start makes the address at which the others listen.
    await node.start();
    const [registry, database] = await Promise.all([
      startNodeRegistry(folder, assets),
      startNodeDatabase(folder),
    ]);
    closers.push(["the registry", () => registry.close()], ["PostgreSQL", () => database.close()]);
    const kubeconfigOf = (user: string) => join(folder, "kubeconfig", user);
    const kubectlAs =
      (user: string): Kubectl =>
      (...args) =>
        runTool(join(assets, "kubectl"), args, { env: { KUBECONFIG: kubeconfigOf(user) } });
    const writeFile = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const images = await pushAll(registry);
    const addons = JSON.stringify({ apiVersion: "v1", kind: "List", items: ADDONS });
    await bootstrap(kubectlAs("super-admin"), writeFile("addons.json", addons));
    // It is not closed: that waits for answers, which a node without power never gives.
    const connection = createApiConnection(kubeconfigOf("admin"));
    return {
      folder,
      node,
      database,
      images,
      cluster: createCluster(connection, abort.signal),
      tenant: await tenantOf(authority),
      kubectl: kubectlAs("admin"),
      helm: (...args) =>
        runTool(join(assets, "helm"), args, { env: { KUBECONFIG: kubeconfigOf("admin"), HOME: folder } }),
      writeFile,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function pushAll(registry: NodeRegistry): Promise<[string, string]> {
  await registry.pushImage("pause:1");
  await registry.pushImage("coredns:1");
  const pushProduct = async (tag: string) => {
    const digest = await registry.pushImage(`catalyst:${tag}`);
    await registry.sign("catalyst", digest, "platform-demo");
    return imageReference({ repository: "catalyst", digest });
  };
  const images: [string, string] = [await pushProduct("1"), await pushProduct("2")];
  await pushBlueprints(registry);
  return images;
}

/** What kubeadm does on a new cluster as `system:masters`. */
async function bootstrap(kubectl: Kubectl, addonFile: string): Promise<void> {
  await waitUntilServed(kubectl, 120_000);
  await kubectl("apply", "-f", addonFile);
  await kubectl("wait", "node/node", "--for=create", "--timeout=60s");
  await kubectl("wait", "node/node", "--for=condition=Ready", "--timeout=120s");
  await kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=120s");
}

/** Waits until the API server answers and is ready. */
export const waitUntilServed = (kubectl: Kubectl, timeoutMs: number) =>
  until(
    () =>
      kubectl("get", "--raw", "/readyz").then(
        () => true,
        () => false,
      ),
    timeoutMs,
  );

async function tenantOf(authority: CertificateAuthority): Promise<Tenant> {
  const { cert, key } = await authority.client("omantel-admin");
  return createTenant({ server: API_SERVER, ca: authority.pem, cert, key });
}
