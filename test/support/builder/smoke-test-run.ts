import type { KubernetesObject } from "../../../src/api/object.ts";
import type { SmokeReport, SmokeTest } from "../../../src/controllers/sovereign/evidence.ts";
import type { PodObject } from "../../../src/controllers/sovereign/observed.ts";
import { runSmokeTest } from "../../../src/controllers/sovereign/step/smoke-test.ts";
import { IMAGE, NOW, sovereign } from "./catalyst-object.ts";
import { billingPod } from "./pod.ts";
import { contextOf } from "./reconcile-context.ts";

export const withoutIp = (name: string): PodObject => ({
  ...billingPod(name),
  status: { conditions: [{ type: "Ready", status: "True" }] },
});

export const passed = (change: Partial<SmokeReport> = {}): SmokeReport => ({
  passed: true,
  steps: [{ name: "list", passed: true, durationMs: 1, message: "200" }],
  apiFingerprint: "sha256:a",
  schema: { version: "0005", fingerprint: "sha256:b" },
  ...change,
});
export const failed = passed({
  passed: false,
  steps: [
    { name: "list", passed: true, durationMs: 1, message: "200" },
    { name: "issue", passed: false, durationMs: 2, message: "503" },
  ],
});

export const CONFIGURATION: KubernetesObject[] = [
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "billing-config" } },
];

export interface SmokeTestRun {
  pods: PodObject[];
  reports?: Record<string, SmokeReport>;
  status?: Parameters<typeof sovereign>[2];
  isEdited?: boolean;
  needsSmokeTest?: boolean;
}

/** Runs the step once, with these reports by the address of the Pod. */
export async function runStep({
  pods,
  reports = {},
  status,
  isEdited = false,
  needsSmokeTest = false,
}: SmokeTestRun) {
  const asked: Parameters<SmokeTest>[0][] = [];
  const cleared: string[] = [];
  const context = contextOf(
    sovereign("omantel", {}, status),
    { pods },
    {
      now: () => new Date(NOW),
      verification: { needsSmokeTest: () => needsSmokeTest, clear: (name) => void cleared.push(name) },
      smoke: async (input) => {
        asked.push(input);
        return reports[new URL(input.baseUrl).hostname] ?? passed();
      },
    },
  );
  if (isEdited)
    context.findings.conditions.push({ type: "InSync", status: "False", reason: "Test", message: "" });
  const result = await runSmokeTest(context, IMAGE, CONFIGURATION);
  return { result, asked, context, urls: asked.map(({ baseUrl }) => baseUrl) };
}
