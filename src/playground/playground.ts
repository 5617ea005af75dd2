import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { createKubeClient } from "../kube/client.ts";
import { loadKubeConfig } from "../kube/connection.ts";
import { UsageError } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import type { ControlPlane } from "./control-plane/control-plane.ts";
import { startEmbeddedControlPlane } from "./control-plane/embedded.ts";
import { findAssets, startRealControlPlane } from "./control-plane/real.ts";
import { type PlaygroundDatabase, startDatabase } from "./database/postgres.ts";
import { catalystImage, imageReference, PLAYGROUND_REGISTRY } from "./image.ts";
import { type Issuer, startIssuer } from "./issuer/server.ts";
import { claimStateDirectory, type StateDirectory } from "./process/state-directory.ts";
import { createWatchdog } from "./process/watchdog.ts";
import { type Registry, startRegistry } from "./registry/server.ts";
import type { Entrypoint } from "./runner/container-process.ts";
import { type Runner, startRunner } from "./runner/runner.ts";

export interface PlaygroundOptions {
  stateDirectory: string;
  controlPlane: "embedded" | "real";
  /** Folder with kube-apiserver and etcd, for `real`. */
  kubebuilderAssets: string | undefined;
  /** Port of the Kubernetes API. The registry, the issuer and the Services get the ports after it. */
  port: number;
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

/** The running parts that stand in for a cluster and its add-ons. */
export interface Playground {
  state: StateDirectory;
  controlPlane: ControlPlane;
  kubeconfigPath: string;
  database: PlaygroundDatabase;
  registry: Registry;
  /** Signs users in on /admin. */
  issuer: Issuer;
  registryMirrors: string;
  runner: Runner;
  /** Closes all parts, the last started first. With `remove`, also removes the state directory. */
  close(remove: boolean): Promise<void>;
}

/** Starts all parts, independent ones at the same time. When one fails, closes those that have started. */
export async function startPlayground(options: PlaygroundOptions): Promise<Playground> {
  const { logger, now, port } = options;
  const assets = options.controlPlane === "real" ? findAssets(options.kubebuilderAssets) : undefined;
  await requireFreePort(port);
  const state = claimStateDirectory(options.stateDirectory);
  options.onStart();
  const watchdog = createWatchdog();
  const stop = new AbortController();
  const closers: (() => Promise<unknown>)[] = [];
  const closeLater = <T>(part: T, close: (part: T) => Promise<unknown>): T => {
    closers.unshift(() => close(part));
    return part;
  };
  const close = async (remove: boolean) => {
    for (const closeNext of closers)
      await closeNext().catch((error: unknown) =>
        logger.warn({ err: error }, "a part of the playground did not close"),
      );
    stop.abort();
    await watchdog.close();
    state.release(remove);
  };

  try {
    const controlPlaneOptions = { state, watchdog, port, logger, now, signal: stop.signal };
    const [controlPlane, database, registry] = await allOrNone([
      () =>
        (assets === undefined
          ? startEmbeddedControlPlane(controlPlaneOptions)
          : startRealControlPlane(controlPlaneOptions, assets)
        ).then((plane) => closeLater(plane, () => plane.close())),
      () =>
        startDatabase({ state, watchdog, signal: options.signal }).then((server) =>
          closeLater(server, () => server.close()),
        ),
      () => startRegistry(port + 1).then((server) => closeLater(server, () => server.close())),
    ]);
    options.signal.throwIfAborted();
    const kubeconfigPath = state.file("kubeconfig");
    writeFileSync(kubeconfigPath, controlPlane.adminKubeconfig, { mode: 0o600 });
    const client = closeLater(
      createKubeClient({
        kubeConfig: loadKubeConfig(kubeconfigPath),
        userAgent: "catalyst-playground-runner",
      }),
      (part) => part.close(),
    );
    const issuer = closeLater(await startIssuer(port + 2, now), (server) => server.close());
    const image = catalystImage();
    registry.push(image);
    const runner = closeLater(
      await startRunner({
        client,
        caPem: controlPlane.caPem,
        state,
        watchdog,
        images: new Map([[imageReference(image), options.entrypoint]]),
        baseEnv: options.baseEnv,
        firstServicePort: port + 3,
        logger,
        now,
      }),
      (part) => part.close(),
    );
    const registryMirrors = `${PLAYGROUND_REGISTRY}=${registry.origin}`;
    return {
      state,
      controlPlane,
      kubeconfigPath,
      database,
      registry,
      issuer,
      registryMirrors,
      runner,
      close,
    };
  } catch (error) {
    await close(options.signal.aborted);
    throw error;
  }
}

/** Waits for all three even when one fails, so that the caller can close everything that has started. */
async function allOrNone<A, B, C>([a, b, c]: [() => Promise<A>, () => Promise<B>, () => Promise<C>]): Promise<
  [A, B, C]
> {
  const results = await Promise.allSettled([a(), b(), c()]);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as [A, B, C];
}

function requireFreePort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new UsageError(
          `port ${port} on 127.0.0.1 cannot be used (${error.code}): choose another one with --port`,
        ),
      ),
    );
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
  });
}
