import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { EVENTS, PODS, type Resource } from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { startEmbeddedControlPlane } from "../../../src/playground/control-plane/embedded.ts";
import { findAssets, startRealControlPlane } from "../../../src/playground/control-plane/real.ts";
import { findFreePort } from "../../../src/playground/process/free-port.ts";
import { claimStateDirectory } from "../../../src/playground/process/state-directory.ts";
import { createWatchdog } from "../../../src/playground/process/watchdog.ts";
import type { Pod } from "../../../src/playground/runner/pod.ts";
import { startRunner } from "../../../src/playground/runner/runner.ts";

/** Images of a test's runner, by `app(letter)`: some keep running, some end with success, and some fail. */
export const image = (name: "idle" | "done" | "fail", letter = "a") =>
  `example.org/${name}@sha256:${letter.repeat(64)}`;
const script = (text: string): [string, ...string[]] => ["/bin/sh", "-c", text];
const IMAGES = new Map(
  ["a", "b", "c"].flatMap((letter) => [
    [image("idle", letter), script(`echo "${letter} runs"; exec sleep 600`)] as const,
    [image("done", letter), script("echo done")] as const,
    [image("fail", letter), script("exit 3")] as const,
  ]),
);

/** A control plane and the process runner, in one test's own directory. */
export interface RunnerBench {
  client: KubeClient;
  podsOf(label: string): Promise<Pod[]>;
  eventsAbout(name: string): Promise<{ reason: string; message: string; type: string }[]>;
  /** The number of writes of an object within this time. */
  writesTo(resource: Resource, name: string, duringMs: number): Promise<number>;
  kubeconfig: string;
  close(): Promise<void>;
}

export async function startRunnerBench(kind: "embedded" | "real" = "embedded"): Promise<RunnerBench> {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-runner-"));
  const state = claimStateDirectory(join(folder, "state"));
  const watchdog = createWatchdog();
  const abort = new AbortController();
  const logger = createLogger("test-runner", process.env.LOG_LEVEL ?? "fatal");
  const now = () => new Date();
  const port = await findFreePort();
  const options = { state, watchdog, port, logger, now, signal: abort.signal };
  const plane =
    kind === "real"
      ? await startRealControlPlane(options, findAssets(process.env.KUBEBUILDER_ASSETS))
      : await startEmbeddedControlPlane(options);
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(plane.adminKubeconfig);
  const client = createKubeClient({ kubeConfig, userAgent: "test" });
  const runner = await startRunner({
    client,
    caPem: plane.caPem,
    state,
    watchdog,
    images: IMAGES,
    baseEnv: { PATH: process.env.PATH ?? "" },
    firstServicePort: 0,
    logger,
    now,
  });
  const bench: RunnerBench = {
    client,
    kubeconfig: plane.adminKubeconfig,
    podsOf: async (label) =>
      (await client.list<Pod>(PODS, { namespace: "default", labelSelector: label })).items.sort((a, b) =>
        a.metadata.name.localeCompare(b.metadata.name),
      ),
    async eventsAbout(name) {
      const { items } = await client.list<
        KubernetesObject & { reason: string; message: string; type: string; involvedObject: { name: string } }
      >(EVENTS, { namespace: "default" });
      return items.filter((event) => event.involvedObject.name === name);
    },
    async writesTo(resource, name, duringMs) {
      const key = { name, namespace: "default" };
      const seen = new Set<string>();
      const end = Date.now() + duringMs;
      while (Date.now() < end) {
        seen.add((await client.get<KubernetesObject>(resource, key))?.metadata.resourceVersion ?? "");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return seen.size - 1;
    },
    async close() {
      await runner.close();
      await client.close();
      abort.abort();
      await plane.close();
      await watchdog.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return bench;
}
