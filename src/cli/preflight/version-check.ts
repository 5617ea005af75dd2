import type { KubeClient } from "../../kube/client.ts";
import type { Check } from "./check.ts";

/** The minor versions of Kubernetes 1 that the tests run on, and the oldest that has all that the chart uses. */
const TESTED = { from: 34, to: 36 };
const OLDEST = 30;

export async function checkKubernetes(client: Pick<KubeClient, "request">): Promise<Check[]> {
  const { gitVersion } = await client.request<{ gitVersion: string }>({ method: "GET", path: "/version" });
  return [kubernetesCheck(gitVersion)];
}

export function kubernetesCheck(version: string): Check {
  const area = "versions";
  const minor = Number(/^v1\.(\d+)\./.exec(version)?.[1]);
  const tested = `1.${TESTED.from} to 1.${TESTED.to}`;
  if (minor < OLDEST)
    return {
      ...{ area, state: "problem", message: `Kubernetes ${version} is older than 1.${OLDEST}` },
      remedy: `upgrade the cluster: ${tested} are tested`,
    };
  if (minor >= TESTED.from && minor <= TESTED.to)
    return { area, state: "ok", message: `Kubernetes ${version}` };
  return {
    ...{ area, state: "unknown", message: `Kubernetes ${version} is not tested` },
    remedy: `${tested} are tested: try it on a cluster that you can lose`,
  };
}
