import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import {
  desiredReport,
  type Finding,
  isSameReport,
} from "../../../../src/controllers/installed-artifact/desired-report.ts";

const NOW = new Date("2026-06-01T00:00:00.500Z");
const SECONDS = 1_780_272_000;
const HOUR = new Date(NOW.getTime() + 3_600_000);

const finding = (name: string, message = "spec.containers[0].image: not signed"): Finding => ({
  object: { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "team", uid: `uid-${name}` } },
  ...{ rule: "image-signature", category: "trust", message },
});
const report = (findings: Finding[], live?: KubernetesObject, now = NOW) =>
  desiredReport("team", findings, { live, now });
const times = ({ results }: ReturnType<typeof report>) => results.map(({ timestamp }) => timestamp.seconds);

describe("desiredReport", () => {
  it("has one failed result for each finding, and the counts", () => {
    expect(report([finding("web")])).toEqual({
      apiVersion: "wgpolicyk8s.io/v1alpha2",
      kind: "PolicyReport",
      metadata: {
        name: "catalyst-admission",
        namespace: "team",
        labels: { "catalyst.openova.io/managed-by": "operator" },
      },
      summary: { pass: 0, fail: 1, warn: 0, error: 0, skip: 0 },
      results: [
        {
          source: "catalyst",
          policy: "image-signature",
          category: "trust",
          result: "fail",
          message: "spec.containers[0].image: not signed",
          resources: [{ apiVersion: "v1", kind: "Pod", namespace: "team", name: "web", uid: "uid-web" }],
          timestamp: { seconds: SECONDS, nanos: 0 },
        },
      ],
    });
  });

  it("keeps the time of a result that the live report has, whatever the order of the findings", () => {
    const live = report([finding("a"), finding("b")]);
    const later = report([finding("b"), finding("a")], live, HOUR);
    expect(later).toEqual(live);
    expect(times(report([finding("a"), finding("b", "another")], live, HOUR)).toSorted()).toEqual([
      SECONDS,
      SECONDS + 3600,
    ]);
  });

  it.each([
    ["in the future", { seconds: SECONDS + 9999, nanos: 0 }],
    ["negative", { seconds: -1, nanos: 0 }],
    ["a text", { seconds: "1", nanos: 0 }],
    ["missing", undefined],
  ])("does not keep a time that is %s", (_, timestamp) => {
    const live = report([finding("a")]);
    const forged = { ...live, results: live.results.map((result) => ({ ...result, timestamp })) };
    expect(times(report([finding("a")], forged as KubernetesObject))).toEqual([SECONDS]);
  });

  it.each([
    ["no results", {}],
    ["results that are no list", { results: "x" }],
    ["results that are no objects", { results: [null, 1, "x", []] }],
  ])("accepts a live report with %s", (_, content) => {
    const live = { apiVersion: "v1", kind: "PolicyReport", metadata: { name: "x" }, ...content };
    expect(times(report([finding("a")], live))).toEqual([SECONDS]);
  });

  it("has at most 500 results, counts all findings, and says how many it leaves out", () => {
    const findings = Array.from({ length: 503 }, (_, index) => finding(`pod-${index}`));
    const full = report(findings.slice(0, 500));
    expect(full.results).toHaveLength(500);
    expect(full.metadata.annotations).toBeUndefined();
    const { results, summary, metadata } = report(findings);
    expect(results).toHaveLength(500);
    expect(summary.fail).toBe(503);
    expect(metadata.annotations).toEqual({ "catalyst.openova.io/results-left-out": "3" });
    expect(report(findings.toReversed()).results).toEqual(results);
  });

  it("stays below the size that etcd accepts when names and messages are as long as they can be", () => {
    const findings = Array.from({ length: 500 }, (_, index) =>
      finding(`${index}`.padStart(253, "x"), "<".repeat(5000)),
    );
    // Go writes `<` as six bytes.
    const stored = JSON.stringify(report(findings)).replaceAll("<", "\\u003c");
    expect(Buffer.byteLength(stored)).toBeLessThan(1.5 * 1024 * 1024);
  });

  it.each([
    ["a long message", "x".repeat(301), `${"x".repeat(299)}…`],
    ["a message of 300 characters", "x".repeat(300), "x".repeat(300)],
    ["a surrogate pair", `${"x".repeat(298)}😀${"x".repeat(9)}`, `${"x".repeat(298)}\ufffd…`],
  ])("shortens %s to text that the API server stores unchanged", (_, message, expected) => {
    expect(report([finding("a", message)]).results[0]?.message).toBe(expected);
  });
});

describe("isSameReport", () => {
  const desired = report([finding("a")]);
  const { metadata } = desired;

  it("ignores what the API server adds", () => {
    const stored = { ...desired, metadata: { ...metadata, uid: "1", resourceVersion: "2" } };
    expect(isSameReport(stored, desired)).toBe(true);
  });

  it.each([
    ["there is no report", undefined],
    ["a result changed", { ...desired, results: [] }],
    ["a count changed", { ...desired, summary: { ...desired.summary, pass: 9 } }],
    ["the label is gone", { ...desired, metadata: { ...metadata, labels: {} } }],
    ["the number left out changed", report(Array.from({ length: 501 }, () => finding("a")))],
  ])("is false when %s", (_, live) => {
    expect(isSameReport(live, desired)).toBe(false);
  });
});
