import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { errorMessage } from "../../../src/platform/errors.ts";
import { kubeconfigText } from "../../../src/playground/apiserver/index.ts";
import { createApiConnection } from "../../../src/playground/story/api-connection.ts";
import { type Cluster, createCluster } from "../../../src/playground/story/cluster.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../../support/builder/certificate-authority.ts";
import { runTool } from "../../support/process/tool.ts";
import { until } from "../../support/wait.ts";
import { ADDONS } from "./addon.ts";
import { API_SERVER, DATABASE_HOST, HOSTS, VOUCHER_HOST } from "./address.ts";
import { writeConfiguration } from "./configuration.ts";
import { type NodeDatabase, startNodeDatabase } from "./database.ts";
import { startIngress } from "./ingress.ts";
import { CUSTOMER, startNodeIssuer } from "./issuer.ts";
import { createNode, type KubernetesNode } from "./node.ts";
import { pushBlueprints, REGISTRY_USER, startNodeRegistry } from "./registry.ts";
import { createShell, type Shell } from "./shell.ts";
import { createTenant, type Tenant } from "./tenant.ts";

const TOKEN_SECONDS = 3_600;
const PROGRAMS = join(import.meta.dirname, "../program");

export type Kubectl = (...args: string[]) => Promise<string>;

/** The machine of a run: the node, and beside it the registry, PostgreSQL, the issuer and the people. All tests share it. */
export interface World {
  folder: string;
  node: KubernetesNode;
  database: NodeDatabase;
  /** Has the rights of kubeadm's administrator, who is not in system:masters. */
  cluster: Cluster;
  tenant: Tenant;
  kubectl: Kubectl;
  /** Runs kubectl with a token of a ServiceAccount. */
  kubectlOfAccount(namespace: string, name: string): Promise<Kubectl>;
  helm(...args: string[]): Promise<string>;
  /** The administrator's terminal, with the variables that docs/quickstart.md requires. */
  shell: Shell;
  /** Writes a file into the folder of the run and returns its path. */
  writeFile(name: string, text: string): string;
  /** Replaces the cluster by a new one at the same addresses. Everything beside the node stays. */
  replaceCluster(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the node and its surroundings, without the product. */
export async function createWorld(assets: string): Promise<World> {
  const folder = mkdtempSync("/tmp/catalyst-node-");
  // 0.8 GiB of memory in place of a disk: a run took 290 s instead of 356 s, with other work beside both. It ends with this run's
  // mounts, even after a kill.
  await runTool("mount", ["--types", "tmpfs", "--options", "mode=700", "tmpfs", folder]);
  // run.sh finds the remains of a killed run by this shared name.
  const cgroup = basename(folder);
  const authority = await createCertificateAuthority("kubernetes");
  await writeConfiguration(folder, cgroup, authority);
  const node = createNode(folder, assets, cgroup);
  const closers: [part: string, close: () => Promise<unknown>][] = [["the node", () => node.close()]];
  const abort = new AbortController();
  async function close(): Promise<void> {
    abort.abort();
    for (const [part, closeNext] of closers) {
      // Anything that does not close ends with the namespace of this run. Its error must not hide those of the tests.
      await closeNext().catch((error: unknown) =>
        console.log(`${part} did not close: ${errorMessage(error)}`),
      );
    }
    await runTool("umount", ["--lazy", folder]);
    rmdirSync(folder);
  }
  const kubeconfigOf = (user: string) => join(folder, "kubeconfig", user);
  const kubectlAs =
    (user: string): Kubectl =>
    (...args) =>
      runTool(join(assets, "kubectl"), args, { env: { KUBECONFIG: kubeconfigOf(user) } });
  const writeFile = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const caFile = join(folder, "pki/ca.crt");
  try {
    // Other processes of the machine do not see this file, because run.sh gives this run mounts of its own.
    await runTool("mount", ["--bind", writeFile("hosts", `127.0.0.1 localhost\n${HOSTS}`), "/etc/hosts"]);
    // The node's start creates the addresses at which the other parts listen.
    await node.start();
    const [registry, database, issuer, ingress] = await Promise.all([
      startNodeRegistry(folder, assets, { authority, caFile }),
      startNodeDatabase(folder),
      startNodeIssuer(authority),
      startIngress(kubectlAs("admin")),
    ]);
    closers.push(["the registry", () => registry.close()], ["PostgreSQL", () => database.close()]);
    closers.push(["the issuer", () => issuer.close()], ["the Ingress controller", () => ingress.close()]);
    const addons = JSON.stringify({ apiVersion: "v1", kind: "List", items: ADDONS });
    const bootstrapped = () => bootstrap(kubectlAs("super-admin"), writeFile("addons.json", addons));
    await Promise.all([pushBlueprints(registry), bootstrapped()]);
    // The connection stays open: closing it would wait for answers, which a node without power never sends.
    const connection = createApiConnection(kubeconfigOf("admin"));
    const certificate = await authority.server(VOUCHER_HOST, [VOUCHER_HOST]);
    const administration = new URL(database.superuserUrl);
    const home = join(folder, "home");
    mkdirSync(home);
    const shell = createShell(folder, {
      HOME: home,
      PATH: [PROGRAMS, assets, process.env.PATH].join(":"),
      KUBECONFIG: kubeconfigOf("admin"),
      // Variables that the stand-in for Docker needs.
      ...{ KUBEBUILDER_ASSETS: assets, MACHINE_HOME: process.env.HOME },
      // The authority of this run, and no network access of cosign for updates.
      ...{ SSL_CERT_FILE: caFile, CURL_CA_BUNDLE: caFile, TUF_MIRROR: "http://127.0.0.1:1" },
      // Variables that docs/quickstart.md asks the reader to set.
      ...{
        REGISTRY_USER: REGISTRY_USER.name,
        REGISTRY_PASSWORD: REGISTRY_USER.password,
        REGISTRY_CA: caFile,
        ISSUER_CA: caFile,
      },
      ...{ DATABASE: `${DATABASE_HOST}:${administration.port}`, PGPASSWORD: administration.password },
      CUSTOMER_PASSWORD: CUSTOMER.password,
      TLS_CERT: writeFile("vouchers.crt", certificate.cert),
      TLS_KEY: writeFile("vouchers.key", certificate.key),
    });
    const cluster = createCluster(connection, abort.signal);
    return {
      folder,
      node,
      database,
      cluster,
      tenant: await tenantOf(authority),
      kubectl: kubectlAs("admin"),
      async kubectlOfAccount(namespace, name) {
        const token = await cluster.asAdmin().requestToken(namespace, name, TOKEN_SECONDS);
        const place = { name: "node", url: API_SERVER, caPem: authority.pem };
        writeFile(`kubeconfig/${name}`, kubeconfigText(place, { name, token }));
        return kubectlAs(name);
      },
      helm: (...args) =>
        runTool(join(assets, "helm"), args, { env: { KUBECONFIG: kubeconfigOf("admin"), HOME: folder } }),
      shell,
      writeFile,
      async replaceCluster() {
        await node.cutPower();
        rmSync(join(folder, "disk"), { recursive: true });
        await node.start();
        await bootstrapped();
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Does kubeadm's own work on a new cluster, as a member of `system:masters`. */
async function bootstrap(kubectl: Kubectl, addonFile: string): Promise<void> {
  await waitUntilServed(kubectl, 120_000);
  await kubectl("apply", "-f", addonFile);
  await kubectl("wait", "node/node", "--for=create", "--timeout=60s");
  await kubectl("wait", "node/node", "--for=condition=Ready", "--timeout=120s");
  await kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=120s");
}

/** Waits until the API server is ready. */
export const waitUntilServed = (kubectl: Kubectl, timeoutMs: number) =>
  until(
    () =>
      kubectl("get", "--raw", "/readyz").then(
        () => true,
        () => false,
      ),
    "the API server is ready",
    timeoutMs,
  );

async function tenantOf(authority: CertificateAuthority): Promise<Tenant> {
  const { cert, key } = await authority.client("omantel-admin");
  return createTenant({ server: API_SERVER, ca: authority.pem, cert, key });
}
