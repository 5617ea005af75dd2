import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import type { KubeClient } from "../../../src/kube/client.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { kubeconfigText } from "../../../src/playground/apiserver/index.ts";
import type { ControlPlane } from "../../../src/playground/control-plane/control-plane.ts";
import { startEmbeddedControlPlane } from "../../../src/playground/control-plane/embedded.ts";
import {
  type ControlPlaneNetwork,
  findAssets,
  startRealControlPlane,
} from "../../../src/playground/control-plane/real.ts";
import { findFreePort } from "../../../src/playground/process/free-port.ts";
import { claimStateDirectory } from "../../../src/playground/process/state-directory.ts";
import { createWatchdog } from "../../../src/playground/process/watchdog.ts";

/** A test's own API server, on loopback, with its own directory. */
export interface TestControlPlane {
  url: string;
  /** The kubeconfig of an administrator in system:masters. */
  kubeConfig(): KubeConfig;
  /** The path of the same kubeconfig, for kubectl. */
  kubeconfigPath: string;
  /** The text of a kubeconfig for a ServiceAccount, whose token is valid for an hour. */
  accountKubeconfig(client: KubeClient, namespace: string, name: string): Promise<string>;
  /** Removes every state before a resourceVersion from etcd. Only for control planes with etcd. */
  compact(resourceVersion: string): Promise<void>;
  close(): Promise<void>;
}

/** `previous` is the oldest supported minor version of Kubernetes. */
export type TestControlPlaneKind = "embedded" | "real" | "previous";

/** The folder in KUBEBUILDER_ASSETS of the previous kube-apiserver. `test/conformance/build-tools.sh` has its version. */
const PREVIOUS_FOLDER = "kubernetes-1.34";

/**
 * `real`: the kube-apiserver and etcd in KUBEBUILDER_ASSETS. Throws and says how to get them if they are missing.
 * `network` and `flags` are for these two. `previous`: an older minor version of the same. `embedded`: this repository's own.
 */
export async function startTestControlPlane(
  kind: TestControlPlaneKind,
  network?: ControlPlaneNetwork,
  flags: readonly string[] = [],
): Promise<TestControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-control-plane-"));
  const state = claimStateDirectory(join(folder, "state"));
  const watchdog = createWatchdog();
  const abort = new AbortController();
  const options = {
    state,
    watchdog,
    port: await findFreePort(),
    logger: createLogger("test-control-plane", "fatal"),
    now: () => new Date(),
    signal: abort.signal,
  };
  let plane: ControlPlane | undefined;
  async function close(): Promise<void> {
    abort.abort();
    await plane?.close();
    await watchdog.close();
    rmSync(folder, { recursive: true, force: true });
  }
  try {
    plane =
      kind === "embedded"
        ? await startEmbeddedControlPlane(options)
        : await startRealControlPlane(options, findAssets(assetsFolder(kind)), network, flags);
  } catch (error) {
    await close();
    throw error;
  }
  const { url, caPem, adminKubeconfig } = plane;
  const kubeconfigPath = join(folder, "kubeconfig");
  writeFileSync(kubeconfigPath, adminKubeconfig, { mode: 0o600 });
  return {
    url,
    kubeconfigPath,
    kubeConfig() {
      const config = new KubeConfig();
      config.loadFromString(adminKubeconfig);
      return config;
    },
    async accountKubeconfig(client, namespace, name) {
      const { token } = await client.createToken({ namespace, name }, 3_600);
      return kubeconfigText({ name: "test", url, caPem }, { name, token });
    },
    async compact(revision) {
      const [, etcd = ""] =
        /"listen-client-urls":\["(http:[^"]+)"/.exec(readFileSync(state.file("logs", "etcd.log"), "utf8")) ??
        [];
      const body = JSON.stringify({ revision, physical: true });
      const answer = await fetch(`${etcd}/v3/kv/compaction`, { method: "POST", body });
      if (!answer.ok) throw new Error(`etcd does not compact: ${await answer.text()}`);
    },
    close,
  };
}

function assetsFolder(kind: "real" | "previous"): string | undefined {
  const folder = process.env.KUBEBUILDER_ASSETS;
  return folder === undefined || kind === "real" ? folder : join(folder, PREVIOUS_FOLDER);
}
