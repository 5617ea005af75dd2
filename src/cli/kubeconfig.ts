import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { createKubeClient, type KubeClient } from "../kube/client.ts";
import { loadKubeConfig } from "../kube/connection.ts";
import type { Env } from "../platform/env.ts";
import { errorMessage, UsageError } from "../platform/errors.ts";
import type { Flag } from "./flag.ts";

/** The cluster flags that kubectl has too. */
export const CLUSTER_FLAGS = [
  { name: "kubeconfig", value: "FILE", description: "the kubeconfig file to use, in place of KUBECONFIG" },
  { name: "context", value: "NAME", description: "the context of the kubeconfig file (its current context)" },
] as const satisfies readonly Flag[];

/** The environment variables of commands that connect to a cluster. */
export const CLUSTER_ENVIRONMENT = [
  [
    "KUBECONFIG",
    "the kubeconfig file, or several with a colon between. Absent: ~/.kube/config, or else the cluster of the Pod in which the command runs",
  ],
] as const;

export interface ClusterChoice {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}

/** Connects to the cluster that the flags and KUBECONFIG name, with the person's own rights. */
export function connectToCluster(env: Env, userAgent: string, choice: ClusterChoice = {}): KubeClient {
  return createKubeClient({ kubeConfig: readKubeConfig(env, choice), userAgent });
}

/** Reads the kubeconfig that the flags and KUBECONFIG name. The result has a current cluster. */
export function readKubeConfig(env: Env, choice: ClusterChoice): KubeConfig {
  const paths = kubeconfigPaths(env, choice);
  if (paths.length === 0 && env.KUBERNETES_SERVICE_HOST === undefined)
    throw new UsageError(
      "KUBECONFIG is not set, and this process does not run in a Pod: set KUBECONFIG to a kubeconfig file, or name one with --kubeconfig",
    );
  let kubeConfig: KubeConfig;
  try {
    kubeConfig = merged(paths);
  } catch (error) {
    throw new UsageError(`${sourceOf(env, choice)} cannot be used: ${errorMessage(error)}`);
  }
  if (choice.context !== undefined) {
    if (kubeConfig.getContextObject(choice.context) === null)
      throw new UsageError(
        `--context names no context of the kubeconfig: use one of ${kubeConfig.contexts.map((context) => context.name).join(", ")}`,
      );
    kubeConfig.setCurrentContext(choice.context);
  }
  if (kubeConfig.getCurrentCluster() === null)
    throw new UsageError(
      `${sourceOf(env, choice)} names no current cluster: set its current-context, or name a context with --context`,
    );
  return kubeConfig;
}

function sourceOf(env: Env, { kubeconfig }: ClusterChoice): string {
  if (kubeconfig !== undefined) return "--kubeconfig";
  return env.KUBECONFIG ? "KUBECONFIG" : "~/.kube/config";
}

function kubeconfigPaths(env: Env, { kubeconfig }: ClusterChoice): string[] {
  if (kubeconfig !== undefined) return [kubeconfig];
  const named = (env.KUBECONFIG ?? "").split(delimiter).filter((path) => path !== "");
  // If KUBECONFIG lists several files, kubectl ignores missing ones.
  const present = named.filter((path) => existsSync(path));
  if (named.length > 0) return present.length > 0 ? present : named;
  const own = join(env.HOME || "/", ".kube/config");
  return existsSync(own) ? [own] : [];
}

/** Merges as kubectl does: the first file that defines a name wins. Without a file, the ServiceAccount of this Pod is used. */
function merged(paths: readonly string[]): KubeConfig {
  const [first, ...others] = paths;
  const kubeConfig = loadKubeConfig(first);
  for (const path of others) {
    const next = loadKubeConfig(path);
    const contents = {
      clusters: next.clusters.filter(({ name }) => kubeConfig.getCluster(name) === null),
      users: next.users.filter(({ name }) => kubeConfig.getUser(name) === null),
      contexts: next.contexts.filter(({ name }) => kubeConfig.getContextObject(name) === null),
      currentContext: next.currentContext,
    };
    kubeConfig.mergeConfig(contents as KubeConfig, Boolean(kubeConfig.currentContext));
  }
  return kubeConfig;
}
