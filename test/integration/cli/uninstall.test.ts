import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { desiredNativePolicies } from "../../../src/admission/policy/native/policy-list.ts";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { SOVEREIGN_FINALIZER } from "../../../src/api/label.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { command } from "../../../src/cli/uninstall.ts";
import {
  DEPLOYMENTS,
  NAMESPACES,
  PODS,
  VALIDATING_ADMISSION_POLICIES,
  VALIDATING_ADMISSION_POLICY_BINDINGS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../../src/kube/resource.ts";
import { sovereign } from "../../support/builder/catalyst-object.ts";
import { runHere } from "../../support/process/command.ts";
import { SOVEREIGNS, useOperatorBench } from "../../support/process/operator-bench.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
const folder = mkdtempSync(join(tmpdir(), "uninstall-"));
const kubeconfig = join(folder, "kubeconfig");

async function run(...args: string[]) {
  const { code, stdout } = await runHere(command, args, { KUBECONFIG: kubeconfig });
  return { code, lines: stdout.split("\n").slice(0, -1) };
}

describe("catalyst uninstall", () => {
  const [policy] = desiredNativePolicies(identityLists(), "Deny").filter(
    ({ kind }) => kind === "ValidatingAdmissionPolicy",
  );
  const operator = { name: "catalyst-operator", namespace: "catalyst-system" };
  const configuration = { name: "catalyst-operator" };

  afterAll(() => rmSync(folder, { recursive: true }));
  beforeAll(async () => {
    writeFileSync(kubeconfig, bench.kubeconfig());
    const client = bench.client();
    if (policy === undefined) throw new Error("there are no native policies");
    await client.create(VALIDATING_ADMISSION_POLICIES, policy);
    await client.create<KubernetesObject>(VALIDATING_WEBHOOK_CONFIGURATIONS, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: configuration,
    });
    const labels = { "app.kubernetes.io/name": "catalyst-operator" };
    await client.create(DEPLOYMENTS, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: operator,
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "operator", image: "operator" }] } },
      },
    } as KubernetesObject);
    const zero = sovereign("zero", { role: "CatalystZero" });
    const metadata = { name: "zero", finalizers: [SOVEREIGN_FINALIZER, "example.com/kept"] };
    await client.create(SOVEREIGNS, { ...zero, metadata });
  });

  const REMOVED = [
    "Deployment catalyst-operator",
    "ValidatingWebhookConfiguration catalyst-operator",
    `ValidatingAdmissionPolicy ${policy?.metadata.name}`,
    "the finalizer of Sovereign zero",
  ];

  it("lists what it would remove, and changes nothing, with --dry-run", async () => {
    expect(await run("--dry-run")).toEqual({ code: 0, lines: REMOVED.map((line) => `would remove ${line}`) });
    const client = bench.client();
    expect(await client.get(DEPLOYMENTS, operator)).toBeDefined();
    expect(await client.get(VALIDATING_WEBHOOK_CONFIGURATIONS, configuration)).toBeDefined();
  });

  it("removes the objects that block the cluster, and keeps Sovereigns, their namespaces and other finalizers", async () => {
    expect(await run()).toEqual({ code: 0, lines: REMOVED.map((line) => `removed ${line}`) });
    const client = bench.client();
    expect(await client.get(DEPLOYMENTS, operator)).toBeUndefined();
    expect(await client.get(VALIDATING_WEBHOOK_CONFIGURATIONS, configuration)).toBeUndefined();
    for (const resource of [VALIDATING_ADMISSION_POLICIES, VALIDATING_ADMISSION_POLICY_BINDINGS])
      expect((await client.list(resource)).items).toEqual([]);
    const kept = await client.get<KubernetesObject>(SOVEREIGNS, { name: "zero" });
    expect(kept?.metadata).toMatchObject({ finalizers: ["example.com/kept"] });
    expect(kept?.metadata.deletionTimestamp).toBeUndefined();
    expect(await client.get(NAMESPACES, { name: "catalyst-system" })).toBeDefined();
  });

  it("has nothing to do the second time", async () => {
    expect(await run()).toEqual({ code: 0, lines: [] });
  });

  it("waits until the operator's Pods have ended, because they would restore removed objects", async () => {
    const client = bench.client();
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...operator, labels: { "app.kubernetes.io/name": "catalyst-operator" } },
      spec: { containers: [{ name: "operator", image: "operator" }] },
    } as KubernetesObject;
    await client.create(PODS, pod);
    let isDone = false;
    const running = run().then(() => {
      isDone = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(isDone).toBe(false);
    await client.delete(PODS, operator);
    await until(() => isDone, "the command ends");
    await running;
  });
});
