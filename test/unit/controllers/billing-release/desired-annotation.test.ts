import { describe, expect, it } from "vitest";
import type { BillingReleaseStatus } from "../../../../src/api/billing-release.ts";
import {
  desiredAnnotations,
  type RolloutAction,
} from "../../../../src/controllers/billing-release/desired-annotation.ts";
import { planOf } from "../../../../src/controllers/billing-release/desired-member.ts";
import { NEXT_IMAGE, NOW, release } from "../../../support/builder/catalyst-object.ts";

const USER = "system:serviceaccount:platform:amal";
const BY = `${USER}@sha256:${"b".repeat(64)}`;
const stages = [
  { name: "pilot", sovereigns: ["muscat"], approval: false },
  { name: "gulf", sovereigns: ["doha"], approval: true },
];
const HALT = { number: 4, reason: "ShapeDiffers", message: "", at: NOW, returns: true };
const rolling = (status: BillingReleaseStatus = {}) =>
  release({ stages }, { rollout: { image: NEXT_IMAGE, stage: "gulf", stages: [], halt: HALT }, ...status });
const act = (kind: RolloutAction["kind"], name?: string, brel = rolling()) =>
  desiredAnnotations(brel, { kind, name }, USER);

describe("desiredAnnotations", () => {
  it.each<[RolloutAction["kind"], string | undefined, object]>([
    ["pause", undefined, { "catalyst.openova.io/rollout-paused": BY }],
    [
      "abort",
      undefined,
      { "catalyst.openova.io/rollout-paused": null, "catalyst.openova.io/rollout-aborted": `${BY}#1` },
    ],
    [
      "resume",
      undefined,
      {
        "catalyst.openova.io/rollout-paused": null,
        "catalyst.openova.io/rollout-aborted": null,
        "catalyst.openova.io/rollout-resumed": `${BY}#4`,
      },
    ],
    ["approve", undefined, { "approve.catalyst.openova.io/gulf": `${BY}#1` }],
    ["approve", "gulf", { "approve.catalyst.openova.io/gulf": `${BY}#1` }],
    ["skip", "doha", { "skip.catalyst.openova.io/doha": `${BY}#1` }],
  ])("writes the annotations of %s %s", (kind, name, annotations) => {
    expect(act(kind, name).annotations).toEqual(annotations);
  });

  it("ends the bake of the present and the earlier stages", () => {
    expect(act("skip", undefined, rolling({ phase: "Baking" })).annotations).toEqual({
      "skip-bake.catalyst.openova.io/canary": `${BY}#1`,
      "skip-bake.catalyst.openova.io/pilot": `${BY}#1`,
      "skip-bake.catalyst.openova.io/gulf": `${BY}#1`,
    });
  });

  it("refuses to end a bake when no stage bakes", () => {
    expect(act("skip").problem).toBe("no stage bakes now: name the Sovereign to leave out");
  });

  it.each(["pilot", "unknown"])(
    "refuses to approve %s, and names the stages that need an approval",
    (name) => {
      expect(act("approve", name).problem).toBe(
        "no such stage waits for an approval: name one of these stages: gulf",
      );
    },
  );

  it("resumes no halt of an earlier image", () => {
    const earlier = rolling({ rollout: { image: "other", stages: [], halt: HALT } });
    expect(act("resume", undefined, earlier).annotations).not.toHaveProperty([
      "catalyst.openova.io/rollout-resumed",
    ]);
  });

  it("writes what the rollout reads", () => {
    const brel = rolling();
    const annotations = Object.assign(
      {},
      ...(["abort", "pause", "approve"] as const).map((kind) => act(kind).annotations),
      act("skip", "doha").annotations,
      {
        "catalyst.openova.io/rollout-resumed":
          act("resume").annotations?.["catalyst.openova.io/rollout-resumed"],
      },
    );
    const { interventions } = planOf({ ...brel, metadata: { ...brel.metadata, annotations } });
    expect(interventions).toEqual({
      pausedBy: USER,
      abortedBy: USER,
      resumedBy: USER,
      resumedThrough: 4,
      approved: new Map([["gulf", USER]]),
      skipped: new Map([["doha", USER]]),
      bakeSkipped: new Map(),
    });
  });
});
