import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKubeClient } from "../../../src/kube/client.ts";
import { errorMessage } from "../../../src/platform/errors.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import { createWatchdog } from "../../../src/playground/process/watchdog.ts";
import { type ApiConnection, createApiConnection } from "../../../src/playground/story/api-connection.ts";
import { startTestControlPlane } from "../../support/server/kube-apiserver.ts";
import { prepareCluster } from "../../support/server/webhook-replica.ts";
import { type HelperProcess, startHelper } from "../helper-process.ts";
import { BENCH_REGISTRY } from "./artifact.ts";
import { type FleetSize, fleetSeeds } from "./fleet.ts";
import { type OperatorProcess, settle, startOperatorProcess } from "./operator-process.ts";

/** A cluster with a fleet, a registry, and an operator whose webhook is measured. */
export interface AdmissionWorld {
  api: ApiConnection;
  registry: HelperProcess;
  operator: OperatorProcess;
  /** Starts a second operator on the same cluster. */
  startOperator(): Promise<OperatorProcess>;
  /** A path of a file that `close` removes. */
  file(name: string): string;
  close(): Promise<void>;
}

/** Concurrent requests that create the fleet. */
const CREATORS = 16;
const CREATE_TIMEOUT_MS = 120_000;

export async function createAdmissionWorld(deps: {
  kind: "embedded" | "real";
  size: FleetSize;
  /** The number of signed artifacts in the registry. */
  artifacts: number;
  report: (text: string) => void;
}): Promise<AdmissionWorld> {
  const { kind, size, report } = deps;
  const folder = mkdtempSync(join(tmpdir(), "catalyst-bench-"));
  const watchdog = createWatchdog();
  const closers: (() => Promise<void>)[] = [
    async () => rmSync(folder, { recursive: true, force: true }),
    () => watchdog.close(),
  ];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const keyFile = join(folder, "signing-key.pem");
    writeFileSync(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    const registry = await startHelper("admission/registry-process.ts", [keyFile, deps.artifacts]);
    closers.push(() => registry.close());
    const plane = await startTestControlPlane(kind);
    closers.push(plane.close);
    const client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "bench" });
    closers.push(client.close);
    const api = createApiConnection(plane.kubeconfigPath);
    closers.push(api.close);
    await prepareCluster(client);
    await createFleet(api, fleetSeeds(size, publicKey.export({ type: "spki", format: "pem" }).toString()));
    let count = 0;
    async function startOperator(): Promise<OperatorProcess> {
      count += 1;
      const operator = await startOperatorProcess({
        kubeconfigPath: plane.kubeconfigPath,
        env: { REGISTRY_MIRRORS: `${BENCH_REGISTRY}=http://127.0.0.1:${registry.port}` },
        logFile: join(folder, `operator-${count}.log`),
        watchdog,
      });
      closers.push(() => operator.stop());
      await settle(operator);
      return operator;
    }
    const operator = await startOperator();
    report(`${kind} API server: the operator has reconciled the fleet`);
    return { api, registry, operator, startOperator, file: (name) => join(folder, name), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Creates all objects. A kube-apiserver serves a new kind only after a short delay, so a refused request is repeated. */
async function createFleet(
  api: ApiConnection,
  seeds: readonly { path: string; body: object }[],
): Promise<void> {
  const open = [...seeds];
  const untilMs = performance.now() + CREATE_TIMEOUT_MS;
  async function create(): Promise<void> {
    for (let seed = open.shift(); seed !== undefined; seed = open.shift()) {
      const problem = await api
        .send({ method: "POST", ...seed })
        .then(({ status, body }) => (status < 300 ? undefined : JSON.stringify(body)), errorMessage);
      if (problem === undefined) continue;
      if (performance.now() > untilMs) throw new Error(`${seed.path}: ${problem}`);
      open.push(seed);
      await sleep(50);
    }
  }
  await Promise.all(Array.from({ length: CREATORS }, create));
}
