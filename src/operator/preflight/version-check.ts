import type { KubeClient } from "../../kube/client.ts";
import type { Check } from "./check.ts";
import { SUPPORTED } from "./supported-version.ts";

const { from, to, tested, oldest } = SUPPORTED.kubernetes;

export async function checkKubernetes(client: Pick<KubeClient, "request">): Promise<Check[]> {
  const { gitVersion } = await client.request<{ gitVersion: string }>({ method: "GET", path: "/version" });
  return [kubernetesCheck(gitVersion)];
}

export function kubernetesCheck(version: string): Check {
  const area = "versions";
  const minor = Number(/^v1\.(\d+)\./.exec(version)?.[1]);
  const supported = `1.${from} to 1.${to} are supported`;
  if (minor < oldest)
    return {
      ...{ area, state: "problem", message: `Kubernetes ${version} is older than 1.${oldest}` },
      remedy: `upgrade the cluster: ${supported}`,
    };
  if (minor >= from && minor <= to) {
    const between = `, between the versions that the tests run on: ${tested.map((each) => `1.${each}`).join(" and ")}`;
    const isTested = tested.some((each) => each === minor);
    return { area, state: "ok", message: `Kubernetes ${version}${isTested ? "" : between}` };
  }
  return {
    ...{ area, state: "unknown", message: `Kubernetes ${version} is not tested` },
    remedy: `${supported}: try it on a cluster that you can lose`,
  };
}
