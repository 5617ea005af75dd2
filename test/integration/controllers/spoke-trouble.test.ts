import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { beforeAll, describe, expect, it } from "vitest";
import { findCondition } from "../../../src/api/condition.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { CUSTOM_RESOURCE_DEFINITIONS, DEPLOYMENTS, pathOf } from "../../../src/kube/resource.ts";
import { IMAGE, NEXT_IMAGE } from "../../support/builder/catalyst-object.ts";
import { withFields, withToken } from "../../support/builder/kubeconfig.ts";
import type { ControllerRun } from "../../support/process/controller-run.ts";
import { defineKinds, RELEASES, SOVEREIGNS } from "../../support/process/operator-bench.ts";
import { portOf, readRelease, useSpokeBench } from "../../support/process/spoke-bench.ts";
import { startTestApiServer, type TestApiServer } from "../../support/server/apiserver.ts";
import { until } from "../../support/wait.ts";

const { hub, spoke, hubRun, proxy, onEnd, writeKubeconfig, viaProxy, onSpoke, awaitOn, setImage, reached } =
  useSpokeBench(NEXT_IMAGE);

/** Another API server, on a copy of the spoke's folder or of its certificates only. */
async function startCopy(parts: string[]): Promise<TestApiServer> {
  const stateDir = mkdtempSync(join(tmpdir(), "catalyst-spoke-"));
  for (const part of parts) cpSync(join(spoke.stateDir(), part), join(stateDir, part), { recursive: true });
  const api = await startTestApiServer({ stateDir });
  onEnd(() => api.dispose());
  return api;
}

function clientOf(api: TestApiServer): KubeClient {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(api.server.adminKubeconfig);
  const client = createKubeClient({ kubeConfig, userAgent: "test" });
  onEnd(() => client.close());
  return client;
}

describe("a cluster in trouble", () => {
  let restarted: ControllerRun;
  beforeAll(() => awaitOn(hub, "omantel", NEXT_IMAGE));

  it("is Unknown while it is unreachable, delays only the completion of a rollout, and is updated when it is back", async () => {
    proxy().disconnect();
    const away = await reached("False", "ClusterUnreachable");
    const ready = findCondition(away.status?.conditions, "Ready");
    expect(ready).toMatchObject({ status: "Unknown", reason: "ClusterUnreachable" });
    expect(ready?.message).toMatch(
      /^the cluster cannot be reached since \d{4}-\d\d-\d\dT[\d:.]+Z: https:\/\/127.0.0.1/,
    );
    expect(findCondition(away.status?.conditions, "VoucherShapeVerified")?.status).toBe("Unknown");
    await setImage(IMAGE);
    await awaitOn(hub, "zero", IMAGE);
    await until(
      async () => {
        const { leftOut, conditions } = (await readRelease(hub.client()))?.status ?? {};
        const ready = findCondition(conditions, "Ready");
        return (leftOut === 1 && ready?.reason === "WaitingForCluster") || undefined;
      },
      async () => JSON.stringify((await readRelease(hub.client()))?.status),
    );
    proxy().lead(portOf(spoke.kubeconfig()));
    await awaitOn(hub, "omantel", IMAGE);
    await until(
      async () => (await readRelease(hub.client()))?.status?.phase === "Complete",
      async () => JSON.stringify((await readRelease(hub.client()))?.status),
    );
    expect(
      (await hub.events("omantel")).filter(({ reason }) => reason === "ClusterUnreachable"),
    ).toMatchObject([{ count: 1 }]);
  });

  it("stays Unknown for an hour, is neither Stalled nor written, and has one Event", async () => {
    let aheadMs = 0;
    await hubRun().stop();
    const run = hub.startControllers({ now: () => new Date(Date.now() + aheadMs) });
    await awaitOn(hub, "omantel", IMAGE);
    const reports = async () =>
      (await hub.events("omantel"))
        .filter(({ reason }) => reason === "ClusterUnreachable")
        .reduce((sum, { count }) => sum + count, 0);
    const reported = await reports();
    proxy().disconnect();
    const away = await reached("False", "ClusterUnreachable");
    aheadMs = 3_600_000;
    // The next tries come after the hour.
    const before = run.reconciles.length;
    await until(
      () => run.reconciles.slice(before).filter((name) => name === "omantel").length > 2,
      "some tries",
    );
    const later = await hub.sovereign("omantel");
    expect(later?.metadata.resourceVersion).toBe(away.metadata.resourceVersion);
    expect(findCondition(later?.status?.conditions, "Stalled")).toBeUndefined();
    expect(await reports()).toBe(reported + 1);
    proxy().lead(portOf(spoke.kubeconfig()));
    await awaitOn(hub, "omantel", IMAGE);
    await run.stop();
    restarted = hub.startControllers();
  });

  it("is repaired by its own operator while the hub is stopped", async () => {
    await restarted.stop();
    const workload = { name: "billing", namespace: "sovereign-omantel" };
    const before = await spoke.client().get(DEPLOYMENTS, workload);
    await spoke.client().delete(DEPLOYMENTS, workload);
    await until(async () => {
      const uid = (await spoke.client().get(DEPLOYMENTS, workload))?.metadata.uid;
      return uid !== undefined && uid !== before?.metadata.uid ? true : undefined;
    }, "another Deployment");
    hub.startControllers();
    await awaitOn(hub, "omantel", IMAGE);
  });

  it("is connected with renewed credentials without a restart, and is reported when it refuses the present ones", async () => {
    await writeKubeconfig(withToken(viaProxy(), "expired"));
    const denied = await reached("False", "ClusterAccessDenied");
    expect(findCondition(denied.status?.conditions, "Ready")?.message).toContain("role catalyst-hub");
    await writeKubeconfig(viaProxy());
    await reached("True");
    await awaitOn(hub, "omantel", IMAGE);
  });

  it.each<[string, (text: string) => string, string, RegExp]>([
    [
      "a program",
      (text) => withFields(text, { user: { token: "t", exec: { command: "sh" } } }),
      "KubeconfigRefused",
      /user\.exec: /,
    ],
    ["the hub's own cluster", () => hub.kubeconfig(), "ClusterIsHub", /leads to this very cluster/],
  ])("is not connected through a kubeconfig with %s", async (_what, change, reason, message) => {
    await writeKubeconfig(change(viaProxy()));
    const refused = await reached("False", reason);
    expect(findCondition(refused.status?.conditions, "Stalled")).toMatchObject({ status: "True", reason });
    expect(findCondition(refused.status?.conditions, "Ready")?.message).toMatch(message);
    await writeKubeconfig(viaProxy());
    await awaitOn(hub, "omantel", IMAGE);
  });

  it("is refused when another cluster answers at its address, and nothing is written to that one", async () => {
    // Both clusters accept this certificate, so only their identities differ.
    await writeKubeconfig(viaProxy(spoke.kubeconfig()));
    await awaitOn(hub, "omantel", IMAGE);
    const other = await startCopy(["pki"]);
    await defineKinds(clientOf(other));
    proxy().lead(Number(new URL(other.server.url).port));
    const replaced = await reached("False", "ClusterReplaced");
    expect(findCondition(replaced.status?.conditions, "Stalled")).toMatchObject({
      reason: "ClusterReplaced",
    });
    expect((await clientOf(other).list(SOVEREIGNS)).items).toEqual([]);
    expect((await clientOf(other).list(RELEASES)).items).toEqual([]);
    proxy().lead(portOf(spoke.kubeconfig()));
    await reached("True");
    await awaitOn(hub, "omantel", IMAGE);
  });

  it("is not Ready when the hub cannot store its status, and the hub says which field", async () => {
    const schema = "spec/versions/0/schema/openAPIV3Schema/properties/status";
    await spoke.client().request({
      method: "PATCH",
      path: pathOf(CUSTOM_RESOURCE_DEFINITIONS, { name: "sovereigns.catalyst.openova.io" }),
      contentType: "application/json-patch+json",
      body: [
        {
          ...{ op: "replace", path: `/${schema}` },
          value: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        },
      ],
    });
    const before = (await onSpoke())?.status?.schemaVersion;
    const write = (schemaVersion: string | undefined) =>
      spoke.client().mergePatch(SOVEREIGNS, { name: "omantel" }, { status: { schemaVersion } }, "status");
    await until(
      () =>
        write("x".repeat(200)).then(
          () => true,
          () => undefined,
        ),
      "the schema is served",
    );
    const refused = await hub.awaitCondition("omantel", "Ready", "False", "WriteInvalid");
    expect(findCondition(refused.status?.conditions, "Ready")?.message).toContain("status.schemaVersion");
    expect(findCondition(refused.status?.conditions, "VoucherShapeVerified")?.status).toBe("Unknown");
    await write(before);
    await awaitOn(hub, "omantel", IMAGE);
  });

  it("gets the hub's newest objects when it was restored from an older backup", async () => {
    const backup = await startCopy(["pki", "journal.jsonl"]);
    await hub.client().mergePatch(SOVEREIGNS, { name: "omantel" }, { spec: { billing: { replicas: 3 } } });
    await until(
      async () => (await onSpoke())?.spec.billing.replicas === 3,
      async () => JSON.stringify((await onSpoke())?.spec),
    );
    proxy().lead(Number(new URL(backup.server.url).port));
    const restored = clientOf(backup);
    await until(
      async () =>
        (await restored.get<Sovereign>(SOVEREIGNS, { name: "omantel" }))?.spec.billing.replicas === 3 ||
        undefined,
      async () => JSON.stringify(await restored.get(SOVEREIGNS, { name: "omantel" })),
    );
    proxy().lead(portOf(spoke.kubeconfig()));
    await awaitOn(hub, "omantel", IMAGE);
  });
});
