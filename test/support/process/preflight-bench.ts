import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { command } from "../../../src/cli/preflight.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { startTestControlPlane, type TestControlPlane } from "../server/kube-apiserver.ts";
import { runHere } from "./command.ts";

/** A cluster of the tests of one file. Its members are valid inside tests. */
export interface PreflightBench {
  /** A folder for files, which is removed at the end. */
  readonly folder: string;
  readonly plane: TestControlPlane;
  readonly client: KubeClient;
  /** Runs `catalyst preflight` as the administrator. */
  run(...args: string[]): Promise<{ code: number; output: string }>;
  post(path: string, body: object): Promise<unknown>;
  /** Sends a merge patch. */
  patch(path: string, body: object): Promise<unknown>;
}

export function usePreflightBench(): PreflightBench {
  const folder = mkdtempSync(join(tmpdir(), "preflight-"));
  let plane: TestControlPlane;
  let client: KubeClient;

  beforeAll(async () => {
    plane = await startTestControlPlane("embedded");
    client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "preflight-test" });
  });
  afterAll(async () => {
    await client?.close();
    await plane?.close();
    rmSync(folder, { recursive: true });
  });

  return {
    folder,
    get plane() {
      return plane;
    },
    get client() {
      return client;
    },
    async run(...args) {
      const { code, stdout } = await runHere(command, args, { KUBECONFIG: plane.kubeconfigPath });
      return { code, output: stdout };
    },
    post: (path, body) => client.request({ method: "POST", path, body }),
    patch: (path, body) =>
      client.request({ method: "PATCH", path, body, contentType: "application/merge-patch+json" }),
  };
}

export const metadataOf = (name: string) => ({ metadata: { name } });
