import { expect, it } from "vitest";
import { runnableSections } from "../support/page.ts";
import type { NodeBench } from "../support/world-hook.ts";
import { expectOperatorReady, releaseArguments } from "./installation.ts";
import { runSection } from "./quickstart.ts";
import { waitUntilReady } from "./sovereign.ts";
import { expectVoucherKept } from "./voucher.ts";

export const UNINSTALL_PAGE = "docs/uninstall.md";
const SECTION = "In this order";

/** Tests the removal of an installation, and a new installation under another name. */
export function testRemoval(bench: NodeBench): void {
  it("leaves a cluster that works after helm uninstall and catalyst uninstall", async () => {
    const { kubectl, tenant } = bench.world;
    // Without the operator, RBAC alone decides, and it allows the tenant's requests.
    await tenant.stop();
    for (const section of runnableSections(UNINSTALL_PAGE))
      if (section.title === SECTION) await runSection(bench, section);
    expect(await kubectl("get", "validatingwebhookconfiguration", "--output", "name")).toBe("");
    await kubectl("create", "configmap", "after", "--from-literal=a=b");
    await kubectl("delete", "configmap", "after");
    // The billing Pods keep serving.
    await expectVoucherKept(bench);
  }, 240_000);

  it("deletes a Sovereign without waiting for an operator, and keeps its namespace and database", async () => {
    const { kubectl } = bench.world;
    const manifest = JSON.parse(await kubectl("get", "sovereign", "catalyst-zero", "--output", "json"));
    await kubectl("delete", "sovereign", "catalyst-zero", "--timeout=20s");
    await kubectl("get", "namespace", "sovereign-catalyst-zero");
    const { apiVersion, kind, metadata, spec } = manifest;
    const again = JSON.stringify({ apiVersion, kind, metadata: { name: metadata.name }, spec });
    await kubectl("apply", "--server-side", "--filename", bench.world.writeFile("again.json", again));
  }, 60_000);

  it("installs again under another release name, with the objects and databases that stayed", async () => {
    const { helm, kubectl, tenant } = bench.world;
    await helm("install", ...releaseArguments(bench.world, "another-name", bench.image));
    await expectOperatorReady(bench.world);
    await kubectl(
      "wait",
      "validatingwebhookconfiguration/catalyst-operator",
      "--for=create",
      "--timeout=60s",
    );
    tenant.start();
    for (const { name } of bench.sovereigns) await waitUntilReady(bench.world, name);
    await expectVoucherKept(bench);
  }, 300_000);
}
