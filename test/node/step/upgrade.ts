import { expect, it } from "vitest";
import type { NodeBench } from "../support/world-hook.ts";
import { NAMESPACE, releaseArguments } from "./installation.ts";
import { waitUntilReady } from "./sovereign.ts";
import { expectVoucherKept, issueVoucher } from "./voucher.ts";

const RELEASE = "catalyst-operator";

/** Tests administrators' work on an installation while it serves. */
export function testUpgrades(bench: NodeBench): void {
  const imageOf = (namespace: string, deployment: string) => {
    const output = ["--output", "jsonpath={.spec.template.spec.containers[0].image}"];
    return bench.world.kubectl("-n", namespace, "get", "deployment", deployment, ...output);
  };
  const operatorImage = () => imageOf("catalyst-system", "catalyst-operator");

  it("restarts its Pods by kubectl rollout restart, and accepts a helm upgrade with a changed value at the same time", async () => {
    const { helm, kubectl } = bench.world;
    await issueVoucher(bench);
    await kubectl(...NAMESPACE, "rollout", "restart", "deployment/catalyst-operator");
    await helm("upgrade", ...releaseArguments(bench.world, RELEASE, bench.image), "--set", "logLevel=debug");
    const pods = await kubectl(...NAMESPACE, "get", "deployment", "catalyst-operator", "--output", "json");
    expect(JSON.parse(pods).spec.template.spec.containers[0].env).toContainEqual({
      name: "LOG_LEVEL",
      value: "debug",
    });
    await expectVoucherKept(bench);
  }, 240_000);

  it("upgrades the image of the operator and of billing together, and keeps objects and databases", async () => {
    const { helm, kubectl, cluster } = bench.world;
    const image = await bench.nextImage;
    expect(image).not.toBe(bench.image);
    const before = JSON.parse(await kubectl("get", "sovereign", "omantel", "--output", "json"));
    // Billing's rollout begins under the old operator, and continues under the new one.
    const release = { kind: "BillingRelease", name: "stable" } as const;
    const patched = await cluster.asAdmin().mergePatch(release, { spec: { image, version: "0.2.0" } });
    expect(patched).toMatchObject({ kind: "accepted" });
    await helm("upgrade", ...releaseArguments(bench.world, RELEASE, image));
    expect(await operatorImage()).toBe(image);
    for (const { name, namespace } of bench.sovereigns) {
      await kubectl(
        "wait",
        `sovereign/${name}`,
        `--for=jsonpath={.status.pinnedImage}=${image}`,
        "--timeout=180s",
      );
      await waitUntilReady(bench.world, name);
      expect(await imageOf(namespace, "billing")).toBe(image);
    }
    const after = JSON.parse(await kubectl("get", "sovereign", "omantel", "--output", "json"));
    expect([after.metadata.uid, after.spec]).toEqual([before.metadata.uid, before.spec]);
    await expectVoucherKept(bench);
  }, 420_000);

  it("rolls back to the first revision", async () => {
    const { helm } = bench.world;
    await helm("rollback", RELEASE, "1", ...NAMESPACE, "--wait", "--timeout", "3m");
    expect(await operatorImage()).toBe(bench.image);
    await expectVoucherKept(bench);
  }, 240_000);
}
