import { join } from "node:path";
import { expect, it } from "vitest";
import { desiredFranchiseeAccess } from "../../../src/playground/story/franchisee-role.ts";
import { PAUSE_IMAGE } from "../support/address.ts";
import type { World } from "../support/world.ts";
import type { NodeBench } from "../support/world-hook.ts";

const CHART = join(import.meta.dirname, "../../../charts/catalyst-operator");
export const NAMESPACE = ["--namespace", "catalyst-system"];

/** The arguments of `helm install` and `helm upgrade`: the values that docs/quickstart.md writes, with another image. */
export const releaseArguments = ({ folder }: World, name: string, image: string) => [
  ...[name, CHART, ...NAMESPACE, "--wait", "--timeout", "3m"],
  ...["--values", join(folder, "home/catalyst-quickstart/values.yaml")],
  ...["--set", `image.digest=${image.split("@")[1]}`],
];

export async function expectOperatorReady({ kubectl }: World): Promise<void> {
  await kubectl(...NAMESPACE, "rollout", "status", "deployment/catalyst-operator", "--timeout=180s");
}

export function testInstallation(bench: NodeBench): void {
  it("is a node of Kubernetes 1.36 whose administrator is not in system:masters", async () => {
    const { kubectl } = bench.world;
    const node = JSON.parse(await kubectl("get", "node", "node", "--output", "json"));
    expect(node.status.nodeInfo.kubeletVersion).toMatch(/^v1\.36\./);
    const who = JSON.parse(await kubectl("auth", "whoami", "--output", "json"));
    expect(who.status.userInfo.groups).toEqual(["kubeadm:cluster-admins", "system:authenticated"]);
  });
}

/** Tests that an installation leaves other work on the cluster possible. */
export function testCoexistence(bench: NodeBench): void {
  it("lets the administrator run a workload in default", async () => {
    const { kubectl } = bench.world;
    await kubectl("create", "deployment", "beside", `--image=${PAUSE_IMAGE}`);
    await kubectl("rollout", "status", "deployment/beside", "--timeout=120s");
    await kubectl("delete", "deployment", "beside");
  }, 180_000);

  it("limits a Franchisee by admission alone when RBAC allows almost everything", async () => {
    for (const manifest of desiredFranchiseeAccess("omantel-admin"))
      await bench.world.cluster.asAdmin().mustApply(manifest);
  });
}
