import { createKubeClient, type KubeClient } from "../kube/client.ts";
import { loadKubeConfig } from "../kube/connection.ts";
import type { Env } from "../platform/env.ts";
import { errorMessage, UsageError } from "../platform/errors.ts";

/** A client of the cluster of the file that KUBECONFIG names, or else of the Pod in which the command runs. */
export function connectToCluster(env: Env, userAgent: string): KubeClient {
  const path = env.KUBECONFIG || undefined;
  if (path === undefined && env.KUBERNETES_SERVICE_HOST === undefined)
    throw new UsageError(
      "KUBECONFIG is not set, and this process does not run in a Pod: set KUBECONFIG to a kubeconfig file",
    );
  try {
    return createKubeClient({ kubeConfig: loadKubeConfig(path), userAgent });
  } catch (error) {
    throw new UsageError(`KUBECONFIG names a file that cannot be used: ${errorMessage(error)}`);
  }
}
