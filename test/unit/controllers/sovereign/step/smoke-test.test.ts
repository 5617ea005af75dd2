import { describe, expect, it } from "vitest";
import type { SmokeReport, SmokeTest } from "../../../../../src/controllers/sovereign/evidence.ts";
import type { PodObject } from "../../../../../src/controllers/sovereign/observed.ts";
import { runSmokeTest } from "../../../../../src/controllers/sovereign/step/smoke-test.ts";
import { IMAGE, NEXT_IMAGE, NOW, sovereign } from "../../../../support/builder/catalyst-object.ts";
import { billingPod } from "../../../../support/builder/pod.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";
import {
  CONFIGURATION,
  failed,
  passed,
  runStep,
  withoutIp,
} from "../../../../support/builder/smoke-test-run.ts";

describe("runSmokeTest", () => {
  it("tests each ready Pod of billing on its own address, with one token and a code for each", async () => {
    const pods = [
      billingPod("billing-2"),
      billingPod("billing-1"),
      billingPod("billing-3", { isReady: false }),
      billingPod("migrate-4", { component: "billing-migrate" }),
      billingPod("billing-5", { namespace: "sovereign-other" }),
      withoutIp("billing-6"),
    ];
    const { result, asked, urls, context } = await runStep({ pods });
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

  it("finds the container of billing by its name, and accepts a mirror's image of the pinned digest", async () => {
    const mirrored = IMAGE.replace("registry.example", "mirror.local/cache");
    const injected: PodObject = {
      ...billingPod("billing-1"),
      spec: {
        containers: [
          { name: "istio-proxy", image: "istio/proxyv2:1.30" },
          { name: "billing", image: mirrored },
        ],
      },
    };
    const { result, urls } = await runStep({ pods: [injected] });
    expect(result.stop).toBeUndefined();
    expect(urls).toEqual(["http://10.0.0.1:8085"]);
  });

  it.each([
    ["another image", billingPod("stranger-9", { image: NEXT_IMAGE }), NEXT_IMAGE],
    ["no container", { ...billingPod("stranger-9"), spec: { containers: [] } }, "no container"],
  ])("waits while a ready Pod of billing runs %s, and tests nothing", async (_what, stranger, runs) => {
    const { result, urls, context } = await runStep({ pods: [billingPod("billing-1"), stranger] });
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
      [billingPod("billing-1"), billingPod("billing-2")],
      { "10.0.0.2": failed },
      "Pod billing-2: step issue of the smoke test failed: 503",
    ],
    [
      "a Pod gives no API fingerprint",
      [billingPod("billing-1")],
      { "10.0.0.1": passed({ apiFingerprint: undefined }) },
      "Pod billing-1: the operator cannot read its schema and API fingerprints",
    ],
    [
      "a Pod gives no schema",
      [billingPod("billing-1")],
      { "10.0.0.1": passed({ schema: undefined }) },
      "Pod billing-1: the operator cannot read its schema and API fingerprints",
    ],
    [
      "two Pods serve different APIs",
      [billingPod("billing-1"), billingPod("billing-2")],
      { "10.0.0.2": passed({ apiFingerprint: "sha256:c" }) },
      "Pod billing-2 serves another API than Pod billing-1: delete the one that differs from the reference",
    ],
    [
      "no Pod is ready",
      [billingPod("billing-1", { isReady: false })],
      {},
      "no billing Pod is ready for the smoke test: look at the Pods' events and logs",
    ],
  ])("fails when %s", async (_when, pods, reports, message) => {
    const { result, context } = await runStep({ pods, reports });
    expect(result).toEqual({
      stop: { kind: "waiting", reason: "SmokeTestFailed", message, retryAfterMs: 600_000 },
    });
    expect(context.findings.conditions).toEqual([
      { type: "VoucherShapeVerified", status: "False", reason: "SmokeTestFailed", message },
    ]);
    expect(context.events).toEqual([{ type: "Warning", reason: "SmokeTestFailed", message }]);
  });

  it("does not wait for a test that hangs, and reads its result later, also when the status shows an earlier one", async () => {
    const { result: before } = await runStep({ pods: [billingPod("billing-1")] });
    const report = Promise.withResolvers<SmokeReport>();
    const enqueued = Promise.withResolvers<string>();
    let time = Date.parse(NOW);
    const outdated = new Set(["omantel"]);
    const context = contextOf(
      sovereign("omantel", {}, before.evidence),
      { pods: [billingPod("billing-1")] },
      {
        smoke: () => report.promise,
        now: () => new Date(time),
        verification: { needsSmokeTest: (name) => outdated.has(name), clear: () => outdated.clear() },
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
    const pods = [billingPod("billing-1")];
    const reports = { "10.0.0.1": failed };
    const { context, result } = await runStep({ pods, reports });
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
  ])("accepts no test at the next reconcile when every step passed but %s", async (_when, report) => {
    const pods = [billingPod("billing-1"), billingPod("billing-2")];
    const { context, result } = await runStep({ pods, reports: { "10.0.0.2": report } });
    context.sovereign = sovereign("omantel", {}, context.findings.facts);
    expect((await runSmokeTest(context, IMAGE, CONFIGURATION)).stop).toEqual(result.stop);
    // The same after a restart, when only the status is left.
    const again = await runStep({ pods, reports: { "10.0.0.2": report }, status: context.findings.facts });
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
      await runSmokeTest(
        contextOf(subject, { pods: [billingPod("billing-1")] }, { smoke }),
        IMAGE,
        CONFIGURATION,
      );
      return codes[0];
    };
    expect(await codeOf("a")).toBe(await codeOf("a"));
    expect(await codeOf("a")).not.toBe(await codeOf("b"));
  });

  it("shows the steps of the Pod that failed", async () => {
    const { context } = await runStep({
      pods: [billingPod("billing-1"), billingPod("billing-2")],
      reports: { "10.0.0.2": failed },
    });
    expect(context.findings.facts.lastSmokeTest).toMatchObject({ passed: false, steps: failed.steps });
  });

  it("writes no smoke test into the status when no Pod was tested", async () => {
    const { context } = await runStep({ pods: [] });
    expect(context.findings.facts).toEqual({ url: "http://billing.sovereign-omantel.svc:8085" });
  });

  it("shortens a long message to what the schema allows", async () => {
    const steps = [{ name: "list", passed: true, durationMs: 1, message: "x".repeat(2_000) }];
    const { context } = await runStep({
      pods: [billingPod("billing-1")],
      reports: { "10.0.0.1": passed({ steps }) },
    });
    expect(context.findings.facts.lastSmokeTest?.steps[0]?.message).toBe("x".repeat(1_024));
  });
});
