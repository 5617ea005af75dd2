import { writeFileSync } from "node:fs";
import { createKubeClient } from "../kube/client.ts";
import { loadKubeConfig } from "../kube/connection.ts";
import { type Closer, createCloser } from "../platform/closer.ts";
import type { Logger } from "../platform/log.ts";
import type { ControlPlane } from "./control-plane/control-plane.ts";
import { startEmbeddedControlPlane } from "./control-plane/embedded.ts";
import { findAssets, startRealControlPlane } from "./control-plane/real.ts";
import { catalystImage, imageReference, PLAYGROUND_REGISTRY } from "./image.ts";
import { type Issuer, startIssuer } from "./issuer/server.ts";
import { type PlaygroundDatabase, startDatabase } from "./postgres.ts";
import { requireFreePort } from "./process/free-port.ts";
import {
  claimStateDirectory,
  folderOf,
  type StateDirectory,
  type StateFolder,
} from "./process/state-directory.ts";
import { createWatchdog, type Watchdog } from "./process/watchdog.ts";
import { type Registry, startRegistry } from "./registry/server.ts";
import type { Entrypoint } from "./runner/container-process.ts";
import { type Runner, startRunner } from "./runner/runner.ts";

export type Topology = "single" | "hub";

/** Distance from the ports of the first control plane to those of the second. */
const SPOKE_PORTS = 50;

export interface PlaygroundOptions {
  stateDirectory: string;
  controlPlane: "embedded" | "real";
  /** Folder with kube-apiserver and etcd, for `real`. */
  kubebuilderAssets: string | undefined;
  /** Port of the Kubernetes API. The registry, the issuer and the Services get the ports after it. */
  port: number;
  /** `hub`: a second control plane with a runner of its own, for a Sovereign with a cluster of its own. */
  topology: Topology;
  /** The command that runs `catalyst` on this machine. */
  entrypoint: Entrypoint;
  /** Variables that every process needs on this machine. */
  baseEnv: Record<string, string>;
  logger: Logger;
  now: () => Date;
  /** Stops the start. Parts that have started are closed, and the state directory is removed. */
  signal: AbortSignal;
  /** Called when all options and the state directory are accepted, before the parts start. */
  onStart(): void;
}

/** A control plane and what runs its Pods. */
export interface PlaygroundCluster {
  controlPlane: ControlPlane;
  /** The administrator's kubeconfig. */
  kubeconfigPath: string;
  /** Where the logs of its processes are. */
  logFolder: string;
  runner: Runner;
}

/** The running parts of the playground, which stand in for one or two clusters and their add-ons. */
export interface Playground extends PlaygroundCluster {
  state: StateDirectory;
  /** The second cluster of the topology `hub`. */
  spoke: PlaygroundCluster | undefined;
  database: PlaygroundDatabase;
  registry: Registry;
  /** Signs users in on /admin. */
  issuer: Issuer;
  registryMirrors: string;
  /** Closes all parts, the last started first. With `remove`, also removes the state directory. */
  close(remove: boolean): Promise<void>;
}

/** Starts all parts, independent ones at the same time. When one fails, closes those that have started. */
export async function startPlayground(options: PlaygroundOptions): Promise<Playground> {
  const { logger, now, port } = options;
  const assets = options.controlPlane === "real" ? findAssets(options.kubebuilderAssets) : undefined;
  const spokePort = port + SPOKE_PORTS;
  await requireFreePort(port);
  if (options.topology === "hub") await requireFreePort(spokePort);
  const state = claimStateDirectory(options.stateDirectory);
  options.onStart();
  const watchdog = createWatchdog();
  const stop = new AbortController();
  const closer = createCloser(logger);
  const close = async (remove: boolean) => {
    await closer.close();
    stop.abort();
    await watchdog.close();
    state.release(remove);
  };

  try {
    const places: Place[] = [{ state, port, firstServicePort: port + 3 }];
    if (options.topology === "hub") {
      const folder = folderOf(state, "spoke");
      places.push({ state: folder, port: spokePort, firstServicePort: spokePort + 1 });
    }
    const [controlPlanes, database, registry] = await allOrNone([
      () =>
        allOrNone(
          places.map((place) => () => {
            const planeOptions = { ...place, watchdog, logger, now, signal: stop.signal };
            const starting =
              assets === undefined
                ? startEmbeddedControlPlane(planeOptions)
                : startRealControlPlane(planeOptions, assets);
            return starting.then((plane) => closer.add(plane, () => plane.close()));
          }),
        ),
      () =>
        startDatabase({ state, watchdog, signal: options.signal }).then((server) =>
          closer.add(server, () => server.close()),
        ),
      () => startRegistry(port + 1).then((server) => closer.add(server, () => server.close())),
    ]);
    options.signal.throwIfAborted();
    const issuer = closer.add(await startIssuer(port + 2, now), (server) => server.close());
    registry.push(catalystImage());
    const [hub, spoke] = await allOrNone(
      places.map((place, index) => () => {
        const controlPlane = controlPlanes[index] as ControlPlane;
        return startCluster(options, { ...place, watchdog, controlPlane }, closer);
      }),
    );
    const registryMirrors = `${PLAYGROUND_REGISTRY}=${registry.origin}`;
    return {
      ...(hub as PlaygroundCluster),
      spoke,
      state,
      database,
      registry,
      issuer,
      registryMirrors,
      close,
    };
  } catch (error) {
    await close(options.signal.aborted);
    throw error;
  }
}

/** Where a control plane keeps its files, and its ports. */
interface Place {
  state: StateFolder;
  port: number;
  firstServicePort: number;
}

/** Writes the administrator's kubeconfig of a control plane, and runs its Pods. */
async function startCluster(
  { entrypoint, baseEnv, logger, now }: PlaygroundOptions,
  {
    state,
    watchdog,
    controlPlane,
    firstServicePort,
  }: Place & { watchdog: Watchdog; controlPlane: ControlPlane },
  closer: Closer,
): Promise<PlaygroundCluster> {
  const kubeconfigPath = state.file("kubeconfig");
  writeFileSync(kubeconfigPath, controlPlane.adminKubeconfig, { mode: 0o600 });
  const kubeConfig = loadKubeConfig(kubeconfigPath);
  const client = closer.add(
    createKubeClient({ kubeConfig, userAgent: "catalyst-playground-runner" }),
    (part) => part.close(),
  );
  const runner = closer.add(
    await startRunner({
      client,
      caPem: controlPlane.caPem,
      state,
      watchdog,
      images: new Map([[imageReference(catalystImage()), entrypoint]]),
      baseEnv,
      firstServicePort,
      logger,
      now,
    }),
    (part) => part.close(),
  );
  return { controlPlane, kubeconfigPath, logFolder: state.file("logs"), runner };
}

/** Waits for all even when one fails, so that the caller can close everything that has started. */
async function allOrNone<T extends readonly unknown[]>(
  starts: {
    [Index in keyof T]: () => Promise<T[Index]>;
  },
): Promise<T> {
  const results = await Promise.allSettled(starts.map((start) => start()));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
