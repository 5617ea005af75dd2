import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { canonicalJson } from "../../../src/platform/canonical-json.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import type { ObjectReference } from "../../../src/playground/story/cluster-object.ts";
import { eventually } from "../wait.ts";
import { DEPLOYMENT, SOVEREIGN, type StoryBench } from "./story-bench.ts";

/** What the operator does after a platform identity has changed or deleted its objects. */
export function testDriftCorrection(bench: StoryBench): void {
  it("restores a deleted webhook configuration, and reports it in an event, a metric and the log", async () => {
    const configuration: ObjectReference = {
      kind: "ValidatingWebhookConfiguration",
      name: "catalyst-operator",
    };
    const before = await bench.cluster.mustGet<KubernetesObject>(configuration);
    expect((await bench.cluster.asAdmin().remove(configuration)).kind).toBe("accepted");
    await bench.cluster.waitUntil(
      configuration,
      "exists again",
      ({ metadata }) => metadata.uid !== before.metadata.uid,
    );
    const event = await bench.cluster.waitForEvent(configuration, "WebhookConfigurationRestored");
    expect(event.message).toContain(
      "Another client deleted the webhook configuration; the operator put it back",
    );
    const metrics = await (await fetch(`http://${await bench.operatorAddress()}:8080/metrics`)).text();
    expect(metrics).toContain("catalyst_webhook_configuration_restored_total 1");
    const logs = join(bench.stateDir, "logs");
    const operatorLog =
      readdirSync(logs).find((file) => file.startsWith("catalyst-system_catalyst-operator")) ?? "";
    expect(readFileSync(join(logs, operatorLog), "utf8")).toContain(
      "Another client deleted the webhook configuration",
    );
  });

  it("restores a deleted native policy with the operator's own rights, and reports it", async () => {
    const policy: ObjectReference = { kind: "ValidatingAdmissionPolicy", name: "catalyst-api-service" };
    const counted = async () =>
      (await (await fetch(`http://${await bench.operatorAddress()}:8080/metrics`)).text()).match(
        /^catalyst_admission_policy_restored_total\{.* [1-9]\d*$/gm,
      ) ?? [];
    // The operator keeps the objects that the chart installed.
    expect(await counted()).toEqual([]);
    const before = await bench.cluster.mustGet<KubernetesObject>(policy);
    expect((await bench.cluster.asAdmin().remove(policy)).kind).toBe("accepted");
    await bench.cluster.waitUntil(
      policy,
      "exists again",
      ({ metadata }) => metadata.uid !== before.metadata.uid,
    );
    const event = await bench.cluster.waitForEvent(policy, "AdmissionPolicyRestored");
    expect(event.message).toContain("ValidatingAdmissionPolicy catalyst-api-service was missing");
    expect(await counted()).toEqual([
      'catalyst_admission_policy_restored_total{kind="ValidatingAdmissionPolicy",policy="catalyst-api-service"} 1',
    ]);
  });

  it.each([
    [
      "an added variable",
      {
        spec: {
          template: { spec: { containers: [{ name: "billing", env: [{ name: "EXTRA", value: "1" }] }] } },
        },
      },
    ],
    ["a host network", { spec: { template: { spec: { hostNetwork: true } } } }],
    ["a changed number of replicas", { spec: { replicas: 1 } }],
  ])("reverts %s in the Deployment", async (_, patch) => {
    const before = canonicalJson(specOf(await bench.cluster.mustGet(DEPLOYMENT)));
    expect((await bench.cluster.asAdmin().strategicPatch(DEPLOYMENT, patch)).kind).toBe("accepted");
    await bench.cluster.waitUntil(
      DEPLOYMENT,
      "has its earlier spec",
      (object) => canonicalJson(specOf(object)) === before,
    );
    await bench.waitUntilReady();
  });

  it("restores a deleted Service, and reports it in an event", async () => {
    const service: ObjectReference = { kind: "Service", name: "billing", namespace: "sovereign-omantel" };
    expect((await bench.cluster.asAdmin().remove(service)).kind).toBe("accepted");
    const eventText = async () =>
      (await bench.cluster.list("Event")).map((event) => JSON.stringify(event)).join();
    await eventually(async () => expect(await eventText()).toContain("Service billing: deleted"));
    await bench.cluster.waitUntil(service, "exists again", () => true);
    await bench.waitUntilReady();
  });

  it("keeps a manual change while the Sovereign is suspended, and reverts it afterwards", async () => {
    const admin = bench.cluster.asAdmin();
    await admin.mergePatch(SOVEREIGN, { spec: { suspend: true } });
    await bench.cluster.waitUntil(SOVEREIGN, "has Ready=Unknown", (object) =>
      JSON.stringify(object).includes('"reason":"Suspended"'),
    );
    await admin.mergePatch(DEPLOYMENT, { spec: { replicas: 3 } });
    await sleep(500);
    expect(specOf(await bench.cluster.mustGet(DEPLOYMENT))).toMatchObject({ replicas: 3 });
    await admin.mergePatch(SOVEREIGN, { spec: { suspend: false } });
    await bench.cluster.waitUntil(
      DEPLOYMENT,
      "has two replicas again",
      (object) => specOf(object).replicas === 2,
    );
    await bench.waitUntilReady();
  });
}

function specOf(object: unknown): { replicas?: number } {
  return (object as { spec: { replicas?: number } }).spec;
}
