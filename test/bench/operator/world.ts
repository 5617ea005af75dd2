import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { FIELD_MANAGER, SYSTEM_NAMESPACE } from "../../../src/api/name.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { kubeconfigText } from "../../../src/playground/apiserver/kubeconfig.ts";
import { findFreePort } from "../../../src/playground/process/free-port.ts";
import { createWatchdog } from "../../../src/playground/process/watchdog.ts";
import { collectionPath, referenceOf } from "../../../src/playground/story/cluster-object.ts";
import { desiredOperatorManifests } from "../../../src/playground/story/operator-manifest.ts";
import { prepareCluster } from "../../support/server/webhook-replica.ts";
import { type OperatorProcess, startOperatorProcess } from "../admission/operator-process.ts";
import { type HelperProcess, startHelper } from "../helper-process.ts";
import type { ControlPlaneAnswer, ControlPlaneRequest, InspectAnswer } from "./control-plane-process.ts";
import type { WorkloadCounts, WorkloadRequest } from "./workload-process.ts";

/** A cluster with an instant kubelet. Operators on it have the rights of the shipped roles. */
export interface OperatorWorld {
  /** A client with the administrator's rights. */
  client: KubeClient;
  requestCounts(): Promise<ControlPlaneAnswer>;
  workload(request?: WorkloadRequest): Promise<WorkloadCounts>;
  /** The address of the API server's profiler. */
  inspectControlPlane(): Promise<string>;
  startOperator(): Promise<OperatorProcess>;
  /** Kills the API server. Its state stays on disk. */
  killControlPlane(): Promise<void>;
  restartControlPlane(): Promise<void>;
  close(): Promise<void>;
}

// The address of the profiler is asked for, and not printed.
const PLANE_NODE_ARGS = ["--inspect-publish-uid=http"];

const ROOT = join(import.meta.dirname, "../../..");

export async function createOperatorWorld(): Promise<OperatorWorld> {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-bench-"));
  const watchdog = createWatchdog();
  const closers: (() => Promise<void>)[] = [
    async () => rmSync(folder, { recursive: true, force: true }),
    () => watchdog.close(),
  ];
  async function close(): Promise<void> {
    for (const closer of closers.splice(0).reverse()) await closer();
  }
  try {
    const port = await findFreePort();
    const startPlane = () =>
      startHelper("operator/control-plane-process.ts", [join(folder, "apiserver"), port], PLANE_NODE_ARGS);
    let plane: HelperProcess | undefined = await startPlane();
    closers.push(async () => plane?.close());
    const askPlane = async <T extends object>(request: ControlPlaneRequest) => {
      if (plane === undefined) throw new Error("the API server is not running");
      return plane.ask<T>(request);
    };
    const requestCounts = () => askPlane<ControlPlaneAnswer>({ kind: "counts" });
    const { adminKubeconfig, caPem, url } = await requestCounts();
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(adminKubeconfig);
    const client = createKubeClient({ kubeConfig, userAgent: "bench" });
    closers.push(client.close);
    await prepareCluster(client);
    await installRights(client);
    const adminFile = join(folder, "admin.kubeconfig");
    writeFileSync(adminFile, adminKubeconfig, { mode: 0o600 });
    const { token } = await client.createToken({ name: FIELD_MANAGER, namespace: SYSTEM_NAMESPACE }, 86_400);
    const operatorFile = join(folder, "operator.kubeconfig");
    writeFileSync(
      operatorFile,
      kubeconfigText({ name: "bench", url, caPem }, { name: FIELD_MANAGER, token }),
      { mode: 0o600 },
    );
    const workload = await startHelper("operator/workload-process.ts", [adminFile]);
    closers.push(() => workload.close());
    let count = 0;
    return {
      client,
      requestCounts,
      inspectControlPlane: async () => (await askPlane<InspectAnswer>({ kind: "inspect" })).inspectorUrl,
      workload: (request = { kind: "counts" }) => workload.ask<WorkloadCounts>(request),
      async startOperator() {
        count += 1;
        const operator = await startOperatorProcess({
          ...{ kubeconfigPath: operatorFile, watchdog },
          logFile: join(folder, `operator-${count}.log`),
          // The databases have no tables, so the operator itself must serve no vouchers.
          env: { DRAIN_SECONDS: "1", VOUCHER_API_SOVEREIGN: "none" },
        });
        closers.push(() => operator.stop());
        return operator;
      },
      async killControlPlane() {
        const killed = plane;
        plane = undefined;
        await killed?.kill();
      },
      async restartControlPlane() {
        plane = await startPlane();
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Creates what the chart gives the operator, except the Deployment: its ServiceAccount, its rights and the native policies. */
async function installRights(client: KubeClient): Promise<void> {
  const manifests = desiredOperatorManifests({
    ...{ image: "", registryMirrors: "" },
    manifestFolder: join(ROOT, "charts/catalyst-operator/files"),
    policyFolder: join(ROOT, "policies/native"),
  });
  for (const manifest of manifests) {
    const { kind, name, namespace } = referenceOf(manifest);
    if (kind === "Deployment" || name === SYSTEM_NAMESPACE) continue;
    await client.request({ method: "POST", path: collectionPath(kind, namespace), body: manifest });
  }
}
