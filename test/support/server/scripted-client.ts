import type { KubeConfig } from "@kubernetes/client-node";
import { afterEach } from "vitest";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import type { KubeError } from "../../../src/kube/error.ts";
import { type Script, type ScriptedApi, startScriptedApi } from "./scripted-api.ts";

type StartScriptedClient = (
  script: Script,
  kubeConfigOf?: (api: ScriptedApi) => KubeConfig,
  options?: { maxAnswerBytes?: number },
) => Promise<{ api: ScriptedApi; client: KubeClient }>;

/** Starts scripted API servers, each with a client. Both are closed after the test. */
export function useScriptedClients(): StartScriptedClient {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return async (script, kubeConfigOf = (api) => api.kubeConfig(), options = {}) => {
    const api = await startScriptedApi(script);
    cleanups.push(() => api.close());
    const client = createKubeClient({
      ...options,
      kubeConfig: kubeConfigOf(api),
      userAgent: "catalyst-test",
    });
    cleanups.push(() => client.close());
    return { api, client };
  };
}

/** The error with which a call fails. Throws when the call succeeds. */
export const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as KubeError,
  );
