import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import type { SoakRecord } from "../../../../src/api/soak-record.ts";
import {
  desiredSoakRecord,
  runningDigests,
} from "../../../../src/controllers/environment-policy/desired-soak-record.ts";
import { digest, image } from "../../../support/builder/install-request.ts";

const NOW = Date.parse("2026-11-29T12:00:00Z");
const MINUTE = 60_000;
const at = (minutesAgo: number) => new Date(NOW - minutesAgo * MINUTE).toISOString();
const [A, B, C] = [digest("a"), digest("b"), digest("c")];

const ready = (minutesAgo: number, status = "True") => ({
  conditions: [
    { type: "Initialized", status: "True", lastTransitionTime: at(999) },
    { type: "Ready", status, lastTransitionTime: at(minutesAgo) },
  ],
});
const pod = (spec: object, status: object, metadata: object = {}) =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "app", ...metadata },
    spec,
    status,
  }) as KubernetesObject;
const app = (letter: string, status: object, metadata?: object) =>
  pod({ containers: [{ name: "app", image: image(letter) }] }, status, metadata);
const release = (history: unknown, status: object) =>
  ({
    apiVersion: "v2",
    kind: "HelmRelease",
    metadata: { name: "shop" },
    status: { ...status, history },
  }) as unknown as KubernetesObject;

describe("runningDigests", () => {
  it("has the images of ready Pods, each since its earliest Pod", () => {
    const pods = [app("a", ready(5)), app("a", ready(30)), app("b", ready(1)), app("a", ready(10))];
    expect([...runningDigests(pods, [])]).toEqual([
      [A, NOW - 30 * MINUTE],
      [B, NOW - MINUTE],
    ]);
  });

  it("counts init containers and image volumes, but no debugging container", () => {
    const spec = {
      initContainers: [{ image: image("b") }],
      containers: [{ image: image("a") }],
      ephemeralContainers: [{ image: image("c") }],
      volumes: [{ image: { reference: image("d") } }],
    };
    expect([...runningDigests([pod(spec, ready(1))], []).keys()].sort()).toEqual([A, B, digest("d")]);
  });

  it.each<[string, KubernetesObject]>([
    ["is not ready", app("a", ready(5, "False"))],
    ["is in an unknown state", app("a", ready(5, "Unknown"))],
    ["has no conditions", app("a", {})],
    ["has no time of its condition", app("a", { conditions: [{ type: "Ready", status: "True" }] })],
    ["is being deleted", app("a", ready(5), { deletionTimestamp: at(1) })],
    ["runs a tag", pod({ containers: [{ image: "registry.test/app:1" }] }, ready(5))],
    ["has no containers", pod({}, ready(5))],
  ])("leaves out a Pod that %s", (_, it) => expect([...runningDigests([it], [])]).toEqual([]));

  it("has the chart of a ready HelmRelease, by the newest of its releases", () => {
    const history = [
      { ociDigest: A, status: "deployed" },
      { ociDigest: B, status: "superseded" },
    ];
    expect([...runningDigests([], [release(history, ready(7))])]).toEqual([[A, NOW - 7 * MINUTE]]);
  });

  it.each<[string, unknown, object]>([
    ["is not ready", [{ ociDigest: A, status: "deployed" }], ready(7, "False")],
    ["failed", [{ ociDigest: A, status: "failed" }], ready(7)],
    ["has another kind of chart", [{ status: "deployed" }], ready(7)],
    ["has no history", undefined, ready(7)],
  ])("leaves out a HelmRelease that %s", (_, history, status) =>
    expect([...runningDigests([], [release(history, status)])]).toEqual([]),
  );
});

describe("desiredSoakRecord", () => {
  const entry = (since: number, seen: number) => ({ since: at(since), seen: at(seen) });
  const running = (...readyMinutesAgo: [string, number][]) =>
    new Map(readyMinutesAgo.map(([it, ago]) => [it, NOW - ago * MINUTE]));

  it.each<[string, SoakRecord, Map<string, number>, SoakRecord]>([
    ["starts with the first look, not with what a Pod says", {}, running([A, 600]), { [A]: entry(0, 0) }],
    ["stays as it is for some minutes", { [A]: entry(60, 4) }, running([A, 60]), { [A]: entry(60, 4) }],
    ["is refreshed after five minutes", { [A]: entry(60, 5) }, running([A, 60]), { [A]: entry(60, 0) }],
    ["continues in a new Pod", { [A]: entry(60, 10) }, running([A, 1]), { [A]: entry(60, 0) }],
    [
      "keeps a digest that is absent for a short time",
      { [A]: entry(60, 15) },
      running(),
      { [A]: entry(60, 15) },
    ],
    ["drops a digest that stopped", { [A]: entry(60, 15.01) }, running(), {}],
    ["starts again after a break", { [A]: entry(600, 60) }, running([A, 1]), { [A]: entry(0, 0) }],
    [
      "continues when only the operator was stopped",
      { [A]: entry(600, 60) },
      running([A, 590]),
      { [A]: entry(600, 0) },
    ],
    [
      "continues when the operator was stopped and the Pod was replaced just after",
      { [A]: entry(600, 60) },
      running([A, 45]),
      { [A]: entry(600, 0) },
    ],
    [
      "starts now when its start is from before the clock was set back",
      { [A]: entry(-600, -600) },
      running([A, -600]),
      { [A]: entry(0, 0) },
    ],
    [
      "continues when only the last look is from before the clock was set back",
      { [A]: entry(60, -600) },
      running([A, 60]),
      { [A]: entry(60, 0) },
    ],
    ["drops an absent digest whose last look lies in the future", { [A]: entry(60, -600) }, running(), {}],
    [
      "follows each digest by itself",
      { [A]: entry(60, 1), [B]: entry(30, 2) },
      running([B, 30], [C, 1]),
      { [A]: entry(60, 1), [B]: entry(30, 2), [C]: entry(0, 0) },
    ],
  ])("%s", (_, previous, seen, expected) => expect(desiredSoakRecord(previous, seen, NOW)).toEqual(expected));

  it("keeps the 500 that have run longest, however many images a tenant runs", () => {
    const many = Array.from({ length: 2_000 }, (_, index): [string, number] => [
      `sha256:${index.toString(16).padStart(64, "0")}`,
      1,
    ]);
    const record = desiredSoakRecord({ [A]: entry(60, 6) }, running([A, 60], ...many), NOW);
    expect(Object.keys(record)).toHaveLength(500);
    expect(record[A]).toEqual(entry(60, 0));
    expect(JSON.stringify(record).length).toBeLessThan(100_000);
  });

  it("keeps the same digests when it is full and nothing changes", () => {
    const many = running(
      ...Array.from({ length: 600 }, (_, index): [string, number] => [`sha256:${index}`, 1]),
    );
    const first = desiredSoakRecord({}, many, NOW);
    expect(desiredSoakRecord(first, many, NOW + MINUTE)).toEqual(first);
  });
});
