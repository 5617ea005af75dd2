import { describe, expect, it } from "vitest";
import type { Condition } from "../../../../src/api/condition.ts";
import type { Sovereign, SovereignStatus } from "../../../../src/api/sovereign.ts";
import { memberOf, planOf } from "../../../../src/controllers/billing-release/desired-member.ts";
import { desiredStatus } from "../../../../src/controllers/sovereign/status.ts";
import {
  desiredClusterStatus,
  desiredMirror,
  stopOf,
} from "../../../../src/controllers/spoke/desired-mirror.ts";
import {
  condition,
  IMAGE,
  NEXT_IMAGE,
  NOW,
  regressedOn,
  release,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";

const saying = (type: string, status: Condition["status"], reason: string): Condition => ({
  ...condition(type, status),
  ...{ reason, message: `it is ${reason}` },
});
const there = (status: SovereignStatus | undefined, observedGeneration: number | undefined = 1): Sovereign =>
  sovereign(
    "omantel",
    {},
    status && { ...status, ...(observedGeneration === undefined ? {} : { observedGeneration }) },
  );
const ready = (status: Condition["status"], reason: string) => saying("Ready", status, reason);
const waiting = { kind: "waiting", reason: "WaitingForSpoke", retryAfterMs: 60_000, isWatched: true };

describe("desiredMirror", () => {
  it.each<[string, Sovereign | undefined, string]>([
    ["does not exist yet", undefined, "the Sovereign is being created on its cluster"],
    ["was never looked at", there(undefined), "has not looked at the newest spec yet"],
    [
      "was looked at before the last change",
      there({ conditions: [ready("True", "Verified")] }, 0),
      "newest spec yet",
    ],
    ["has no Ready yet", there({ conditions: [] }), "has not looked at the newest spec yet"],
  ])("waits, and shows nothing, for a Sovereign that %s", (_which, live, message) => {
    expect(desiredMirror(live, IMAGE)).toEqual({
      ...{ conditions: [], facts: {} },
      stop: { ...waiting, message: expect.stringContaining(message) },
    });
  });

  it("shows no finding about another image", () => {
    const live = there({ ...verifiedOn(IMAGE), conditions: [ready("True", "Verified")] });
    expect(desiredMirror(live, NEXT_IMAGE)).toEqual({
      conditions: [
        { type: "RolledOut", status: "False", reason: "WaitingForSpoke", message: expect.any(String) },
      ],
      facts: {},
      stop: { ...waiting, message: expect.stringContaining("has not taken the image yet") },
    });
  });

  it("shows the error rate that was measured there", () => {
    const { conditions, facts, stop } = desiredMirror(there(regressedOn(IMAGE)), IMAGE);
    expect(stop).toBeUndefined();
    expect(conditions).toContainEqual(
      expect.objectContaining({ type: "ErrorRateNormal", status: "False", reason: "ErrorRateRegressed" }),
    );
    expect(facts.errorRate).toEqual({ image: IMAGE });
  });

  it("says why the Sovereign is stalled before its first image", () => {
    const live = there({ conditions: [ready("False", "NamespaceNotOurs"), condition("Stalled", "True")] });
    expect(desiredMirror(live, IMAGE).stop).toEqual({
      ...{ kind: "stalled", reason: "NamespaceNotOurs", message: "it is NamespaceNotOurs" },
    });
  });

  it("does not count a failure on the earlier image against the image that the hub gave, and names it", () => {
    const conditions = [ready("False", "ContainerCrashed"), condition("Stalled", "True")];
    const { stop, ...mirror } = desiredMirror(there({ ...verifiedOn(IMAGE), conditions }), NEXT_IMAGE);
    expect(stop).toEqual({
      ...waiting,
      message:
        "the operator on the cluster has not taken the image yet, and is stalled on the earlier one (ContainerCrashed): it is ContainerCrashed",
    });
    const hub = sovereign("omantel", {}, { ...verifiedOn(IMAGE), pinnedImage: NEXT_IMAGE });
    const status = desiredStatus(hub, { ...mirror, stop }, NOW);
    const canary = memberOf({ ...hub, status }, planOf(release({ canaries: ["omantel"] })), Date.parse(NOW));
    expect(canary.state).toBe("updating");
  });

  it("shows the measurements and conditions of the hub's image, except why it is pinned", () => {
    const verified = verifiedOn(IMAGE);
    const { conditions, facts, stop } = desiredMirror(
      there({
        ...verified,
        previousImage: NEXT_IMAGE,
        conditions: [
          ready("True", "Verified"),
          saying("ImagePinned", "True", "Pinned"),
          saying("Migrated", "True", "Migrated"),
          saying("Custom", "True", "Other"),
        ],
      }),
      IMAGE,
    );
    expect(stop).toBeUndefined();
    expect(conditions).toEqual([
      { type: "Migrated", status: "True", reason: "Migrated", message: "it is Migrated" },
    ]);
    const { pinnedImage: _pinned, conditions: _conditions, ...measurements } = verified;
    expect(facts).toEqual(measurements);
  });

  it("shows that the image was edited there", () => {
    const live = there({
      pinnedImage: IMAGE,
      conditions: [ready("False", "DriftFound"), saying("ImagePinned", "False", "ImageDrifted")],
    });
    expect(desiredMirror(live, IMAGE)).toMatchObject({
      conditions: [{ type: "ImagePinned", status: "False", reason: "ImageDrifted" }],
      stop: { kind: "waiting", reason: "DriftFound" },
    });
  });
});

describe("stopOf", () => {
  it.each([
    [undefined, "none"],
    [[ready("True", "Verified")], undefined],
    [[ready("Unknown", "Suspended")], { kind: "unknown", reason: "Suspended", message: "it is Suspended" }],
  ])("reads %j as %j", (conditions, stop) => {
    expect(stopOf(conditions)).toEqual(stop);
  });
});

describe("desiredClusterStatus", () => {
  it("keeps the Franchisee's fields, and the image on which the Sovereign stalled", () => {
    const stalled = { ...verifiedOn(IMAGE), conditions: [condition("Stalled", "True")] };
    const live = sovereign("omantel", { branding: { displayName: "O" } }, stalled);
    expect(desiredClusterStatus("u", live, undefined)).toEqual({
      ...{ uid: "u", stalledOn: IMAGE, branding: { displayName: "O" } },
    });
    expect(
      desiredClusterStatus("u", sovereign("omantel", {}, { conditions: stalled.conditions }), undefined),
    ).toEqual({
      uid: "u",
    });
    expect(desiredClusterStatus("u", sovereign("omantel"), { uid: "u", stalledOn: IMAGE })).toEqual({
      uid: "u",
    });
  });

  it("records the image on which more requests fail, so that the hub has it while the cluster cannot be reached", () => {
    expect(desiredClusterStatus("u", there(regressedOn(IMAGE)), undefined)).toEqual({
      ...{ uid: "u", stalledOn: IMAGE },
    });
  });

  it("keeps the last status of the same cluster while the Sovereign is missing there", () => {
    expect(desiredClusterStatus("u", undefined, { uid: "u", stalledOn: IMAGE })).toEqual({
      uid: "u",
      stalledOn: IMAGE,
    });
    expect(desiredClusterStatus("u", undefined, { uid: "other" })).toEqual({ uid: "u" });
    expect(desiredClusterStatus("u", undefined, undefined)).toEqual({ uid: "u" });
  });
});
