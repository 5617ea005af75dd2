import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../../src/api/object.ts";
import type { SmokeReport, SmokeTest } from "../../../../../src/controllers/sovereign/evidence.ts";
import type { PodObject } from "../../../../../src/controllers/sovereign/observed.ts";
import { runSmokeTest } from "../../../../../src/controllers/sovereign/step/smoke-test.ts";
import { IMAGE, NEXT_IMAGE, NOW, sovereign } from "../../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";

interface PodOptions {
  image?: string | undefined;
  isReady?: boolean;
  podIP?: string | undefined;
  component?: string;
  namespace?: string;
}

function pod(name: string, options: PodOptions = {}): PodObject {
  const { image = IMAGE, isReady = true, podIP = `10.0.0.${name.slice(-1)}` } = options;
  const { component = "billing", namespace = "sovereign-omantel" } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, uid: `uid-${name}`, namespace, labels: { "app.kubernetes.io/name": component } },
    spec: { containers: [{ name: "billing", image }] },
    status: { podIP, conditions: [{ type: "Ready", status: isReady ? "True" : "False" }] },
  };
}
const withoutIp = (name: string): PodObject => ({
  ...pod(name),
  status: { conditions: [{ type: "Ready", status: "True" }] },
});

const passed = (change: Partial<SmokeReport> = {}): SmokeReport => ({
  passed: true,
  steps: [{ name: "list", passed: true, durationMs: 1, message: "200" }],
  apiFingerprint: "sha256:a",
  schema: { version: "0005", fingerprint: "sha256:b" },
  ...change,
});
const failed = passed({
  passed: false,
  steps: [
    { name: "list", passed: true, durationMs: 1, message: "200" },
    { name: "issue", passed: false, durationMs: 2, message: "503" },
  ],
});

const CONFIGURATION: KubernetesObject[] = [
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "billing-config" } },
];

interface Options {
  pods: PodObject[];
  reports?: Record<string, SmokeReport>;
  status?: Parameters<typeof sovereign>[2];
  isEdited?: boolean;
  isDoubtful?: boolean;
}

async function run({ pods, reports = {}, status, isEdited = false, isDoubtful = false }: Options) {
  const asked: Parameters<SmokeTest>[0][] = [];
  const settled: string[] = [];
  const context = contextOf(
    sovereign("omantel", {}, status),
    { pods },
    {
      now: () => new Date(NOW),
      verification: { isDoubtful: () => isDoubtful, settle: (name) => void settled.push(name) },
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

describe("runSmokeTest", () => {
  it("tests each ready Pod of billing on its own address, with one token and a code for each", async () => {
    const pods = [
      pod("billing-2"),
      pod("billing-1"),
      pod("billing-3", { isReady: false }),
      pod("migrate-4", { component: "billing-migrate" }),
      pod("billing-5", { namespace: "sovereign-other" }),
      withoutIp("billing-6"),
    ];
    const { result, asked, urls, context } = await run({ pods });
    expect(urls).toEqual(["http://10.0.0.1:8085", "http://10.0.0.2:8085"]);
    expect(asked.map(({ token }) => token)).toEqual([
      "token for omantel.example",
      "token for omantel.example",
    ]);
    expect(new Set(asked.map(({ code }) => code)).size).toBe(2);
    expect(result.evidence).toEqual({
      lastSmokeTest: {
        time: NOW,
        passed: true,
        evidence: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        steps: passed().steps,
      },
      apiFingerprint: "sha256:a",
      schemaFingerprint: "sha256:b",
      schemaVersion: "0005",
    });
    expect(context.findings.facts).toEqual({
      url: "http://billing.sovereign-omantel.svc:8085",
      ...result.evidence,
    });
    expect(context.findings.conditions).toEqual([]);
  });

  it("finds billing's container by its name, and takes a mirror's image of the same digest for the pinned one", async () => {
    const mirrored = IMAGE.replace("registry.example", "mirror.local/cache");
    const injected: PodObject = {
      ...pod("billing-1"),
      spec: {
        containers: [
          { name: "istio-proxy", image: "istio/proxyv2:1.30" },
          { name: "billing", image: mirrored },
        ],
      },
    };
    const { result, urls } = await run({ pods: [injected] });
    expect(result.stop).toBeUndefined();
    expect(urls).toEqual(["http://10.0.0.1:8085"]);
  });

  it.each([
    ["another image", pod("stranger-9", { image: NEXT_IMAGE }), NEXT_IMAGE],
    ["no container", { ...pod("stranger-9"), spec: { containers: [] } }, "no container"],
  ])("waits while a ready Pod of billing runs %s, and tests nothing", async (_what, stranger, runs) => {
    const { result, urls, context } = await run({ pods: [pod("billing-1"), stranger] });
    const message =
      `Pod stranger-9 receives the Service's requests but runs ${runs} instead of the pinned image: ` +
      "the operator waits until it is gone; delete it if no Deployment owns it";
    expect(result).toEqual({
      stop: { kind: "waiting", reason: "UnexpectedPodImage", message, retryAfterMs: 1_000 },
    });
    expect(context.findings.conditions).toEqual([
      { type: "VoucherShapeVerified", status: "False", reason: "UnexpectedPodImage", message },
    ]);
    expect(urls).toEqual([]);
  });

  it.each([
    [
      "a step fails on one Pod",
      [pod("billing-1"), pod("billing-2")],
      { "10.0.0.2": failed },
      "Pod billing-2: step issue of the smoke test failed: 503",
    ],
    [
      "a Pod gives no API fingerprint",
      [pod("billing-1")],
      { "10.0.0.1": passed({ apiFingerprint: undefined }) },
      "Pod billing-1: the operator cannot read its schema and API fingerprints",
    ],
    [
      "a Pod gives no schema",
      [pod("billing-1")],
      { "10.0.0.1": passed({ schema: undefined }) },
      "Pod billing-1: the operator cannot read its schema and API fingerprints",
    ],
    [
      "two Pods serve different APIs",
      [pod("billing-1"), pod("billing-2")],
      { "10.0.0.2": passed({ apiFingerprint: "sha256:c" }) },
      "Pod billing-2 serves another API than Pod billing-1: delete the one that differs from the reference",
    ],
    [
      "no Pod is ready",
      [pod("billing-1", { isReady: false })],
      {},
      "no billing Pod is ready for the smoke test: look at the Pods' events and logs",
    ],
  ])("fails when %s", async (_when, pods, reports, message) => {
    const { result, context } = await run({ pods, reports });
    expect(result).toEqual({
      stop: { kind: "waiting", reason: "SmokeTestFailed", message, retryAfterMs: 600_000 },
    });
    expect(context.findings.conditions).toEqual([
      { type: "VoucherShapeVerified", status: "False", reason: "SmokeTestFailed", message },
    ]);
    expect(context.events).toEqual([{ type: "Warning", reason: "SmokeTestFailed", message }]);
  });

  it("waits for no test that hangs, and reads its result, also when the status shows an earlier one", async () => {
    const { result: before } = await run({ pods: [pod("billing-1")] });
    const report = Promise.withResolvers<SmokeReport>();
    const enqueued = Promise.withResolvers<string>();
    let time = Date.parse(NOW);
    const doubts = new Set(["omantel"]);
    const context = contextOf(
      sovereign("omantel", {}, before.evidence),
      { pods: [pod("billing-1")] },
      {
        smoke: () => report.promise,
        now: () => new Date(time),
        verification: { isDoubtful: (name) => doubts.has(name), settle: () => doubts.clear() },
      },
    );
    context.deps.smokeTests.connect(enqueued.resolve, context.signal);
    const running = { kind: "waiting", reason: "SmokeTestRunning", message: "the smoke test runs" };
    for (let reconcile = 0; reconcile < 2; reconcile += 1)
      expect((await runSmokeTest(context, IMAGE, CONFIGURATION)).stop).toMatchObject(running);
    time += 1_000;
    report.resolve(failed);
    expect(await enqueued.promise).toBe("omantel");
    expect((await runSmokeTest(context, IMAGE, CONFIGURATION)).stop).toMatchObject({
      reason: "SmokeTestFailed",
    });
  });

  it("reports a failure once, and not at each reconcile", async () => {
    const pods = [pod("billing-1")];
    const reports = { "10.0.0.1": failed };
    const { context, result } = await run({ pods, reports });
    expect(result.stop?.reason).toBe("SmokeTestFailed");
    expect(context.events).toHaveLength(1);
    context.sovereign = sovereign("omantel", {}, context.findings.facts);
    await runSmokeTest(context, IMAGE, CONFIGURATION);
    expect(context.events).toHaveLength(1);
  });

  it.each([
    ["two Pods serve different APIs", passed({ apiFingerprint: "sha256:c" })],
    ["a Pod gives no API fingerprint", passed({ apiFingerprint: undefined })],
    ["a Pod gives no schema", passed({ schema: undefined })],
  ])("takes no test for proof at the next reconcile when every step passed but %s", async (_when, report) => {
    const pods = [pod("billing-1"), pod("billing-2")];
    const { context, result } = await run({ pods, reports: { "10.0.0.2": report } });
    context.sovereign = sovereign("omantel", {}, context.findings.facts);
    expect((await runSmokeTest(context, IMAGE, CONFIGURATION)).stop).toEqual(result.stop);
    // Also after a restart, when only the status is left.
    const again = await run({ pods, reports: { "10.0.0.2": report }, status: context.findings.facts });
    expect(again.result.stop).toEqual(result.stop);
  });

  it("issues vouchers that only this Sovereign's tests issue", async () => {
    const codeOf = async (uid: string) => {
      const own = sovereign("omantel");
      const codes: string[] = [];
      const smoke: SmokeTest = async ({ code }) => {
        codes.push(code);
        return passed();
      };
      const subject = { ...own, metadata: { ...own.metadata, uid } };
      await runSmokeTest(contextOf(subject, { pods: [pod("billing-1")] }, { smoke }), IMAGE, CONFIGURATION);
      return codes[0];
    };
    expect(await codeOf("a")).toBe(await codeOf("a"));
    expect(await codeOf("a")).not.toBe(await codeOf("b"));
  });

  it("shows the steps of the Pod that failed", async () => {
    const { context } = await run({
      pods: [pod("billing-1"), pod("billing-2")],
      reports: { "10.0.0.2": failed },
    });
    expect(context.findings.facts.lastSmokeTest).toMatchObject({ passed: false, steps: failed.steps });
  });

  it("writes no smoke test into the status when no Pod was tested", async () => {
    const { context } = await run({ pods: [] });
    expect(context.findings.facts).toEqual({ url: "http://billing.sovereign-omantel.svc:8085" });
  });

  it("shortens a long message to what the schema allows", async () => {
    const steps = [{ name: "list", passed: true, durationMs: 1, message: "x".repeat(2_000) }];
    const { context } = await run({ pods: [pod("billing-1")], reports: { "10.0.0.1": passed({ steps }) } });
    expect(context.findings.facts.lastSmokeTest?.steps[0]?.message).toBe("x".repeat(1_024));
  });

  describe("after a smoke test that passed", () => {
    const pods = [pod("billing-1"), pod("billing-2")];
    const proven = async () => {
      const { result } = await run({ pods });
      return { ...result.evidence, pinnedImage: IMAGE };
    };

    it("trusts it while nothing changes, however long ago it was", async () => {
      const status = await proven();
      const { result, urls } = await run({ pods, status });
      expect(urls).toEqual([]);
      expect(result.evidence).toEqual(status);
    });

    it("does not depend on the order of the Pods", async () => {
      const { urls } = await run({ pods: [...pods].reverse(), status: await proven() });
      expect(urls).toEqual([]);
    });

    it.each<[string, Partial<Options>]>([
      ["a verification found another schema", { isDoubtful: true }],
      ["a Pod is new", { pods: [...pods, pod("billing-3")] }],
      [
        "a Pod was replaced by another of its name",
        {
          pods: pods.map((each) => ({
            ...each,
            metadata: { ...each.metadata, uid: `${each.metadata.uid}-2` },
          })),
        },
      ],
      ["a managed object was edited", { isEdited: true }],
    ])("tests again when %s", async (_when, change) => {
      const { urls } = await run({ pods, status: await proven(), ...change });
      expect(urls.length).toBeGreaterThanOrEqual(2);
    });

    it("tests again with another configuration", async () => {
      const { lastSmokeTest } = await proven();
      const context = contextOf(
        sovereign("omantel", {}, lastSmokeTest === undefined ? {} : { lastSmokeTest }),
        { pods },
        { smoke: async () => passed() },
      );
      await runSmokeTest(context, IMAGE, []);
      expect(context.findings.facts.lastSmokeTest?.evidence).not.toBe(lastSmokeTest?.evidence);
    });
  });
});
