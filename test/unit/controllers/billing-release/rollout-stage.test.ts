import { describe, expect, it } from "vitest";
import {
  condition,
  IMAGE,
  measured,
  NEXT_IMAGE,
  release,
  servingOn,
  sovereign,
} from "../../../support/builder/catalyst-object.ts";
import { annotated, by, done, stepOf, zero } from "../../../support/builder/rollout-decision.ts";

describe("stages of a rollout", () => {
  const labelled = (name: string, labels: Record<string, string>, image = IMAGE) => {
    const own = sovereign(name, {}, servingOn(image));
    return { ...own, metadata: { ...own.metadata, labels } };
  };
  const stages = [
    { name: "pilot", sovereigns: ["gamma"], approval: false },
    { name: "gulf", selector: { matchLabels: { region: "gulf" } }, maxUnavailable: 2, approval: true },
  ];
  const brel = release({ stages }, measured(NEXT_IMAGE));
  const gulf = ["g1", "g2", "g3"].map((name) => labelled(name, { region: "gulf" }));
  const gamma = sovereign("gamma", {}, servingOn(IMAGE));
  const other = sovereign("other", {}, servingOn(IMAGE));

  it("are updated in their order, by names and by labels, and the other Sovereigns last", () => {
    const fleet = [zero(NEXT_IMAGE), gamma, ...gulf, other];
    expect(stepOf(brel, fleet)).toMatchObject({ phase: "Progressing", stage: 1, next: ["gamma"] });
    const after = [
      zero(NEXT_IMAGE),
      done("gamma"),
      ...gulf.map(({ metadata }) => labelled(metadata.name, { region: "gulf" }, NEXT_IMAGE)),
      other,
    ];
    expect(stepOf(brel, after)).toMatchObject({ stage: 3, next: ["other"] });
  });

  it("wait for the approval of this image, and then update maxUnavailable of the stage at once", () => {
    const fleet = [zero(NEXT_IMAGE), done("gamma"), ...gulf, other];
    expect(stepOf(brel, fleet)).toMatchObject({
      phase: "WaitingForApproval",
      next: [],
      wait: {
        reason: "WaitingForApproval",
        message: "stage gulf waits for a person: run `catalyst rollout approve stable gulf`",
      },
    });
    const approve = (digest?: string) =>
      annotated(brel, { "approve.catalyst.openova.io/gulf": by("amal@openova.io", digest) });
    expect(stepOf(approve(IMAGE.split("@")[1]), fleet).phase).toBe("WaitingForApproval");
    expect(stepOf(approve(), fleet)).toMatchObject({ phase: "Progressing", next: ["g1", "g2"] });
  });

  it("need no approval when they have nothing to update", () => {
    expect(stepOf(brel, [zero(NEXT_IMAGE), done("gamma"), other])).toMatchObject({
      stage: 3,
      next: ["other"],
    });
  });

  it.each([
    ["In", ["gulf", "levant"], { region: "gulf" }, true],
    ["In", ["levant"], { region: "gulf" }, false],
    ["NotIn", ["gulf"], {}, true],
    ["NotIn", ["gulf"], { region: "gulf" }, false],
    ["Exists", undefined, { region: "" }, true],
    ["Exists", undefined, {}, false],
    ["DoesNotExist", undefined, {}, true],
    ["DoesNotExist", undefined, { region: "gulf" }, false],
  ] as const)("select by %s %j: labels %j, %s", (operator, values, labels, isTaken) => {
    const expression = { key: "region", operator, ...(values === undefined ? {} : { values: [...values] }) };
    const one = { name: "one", selector: { matchExpressions: [expression] }, approval: false };
    const fleet = [zero(NEXT_IMAGE), labelled("alpha", labels)];
    expect(stepOf(release({ stages: [one] }, measured(NEXT_IMAGE)), fleet).stage).toBe(isTaken ? 1 : 2);
  });

  it("do not wait for a Sovereign of an earlier stage that needs a person", () => {
    const stuck = sovereign("gamma", {}, { ...servingOn(IMAGE), conditions: [condition("Stalled", "True")] });
    expect(stepOf(brel, [zero(NEXT_IMAGE), stuck, other])).toMatchObject({
      phase: "Progressing",
      next: ["other", "gamma"],
    });
  });

  it("have a bake of their own, which a person may skip", () => {
    const baking = release(
      { stages: [{ name: "pilot", sovereigns: ["gamma"], bake: "1h", approval: false }] },
      measured(NEXT_IMAGE),
    );
    const fleet = [zero(NEXT_IMAGE), done("gamma"), other];
    expect(stepOf(baking, fleet)).toMatchObject({ phase: "Baking", wait: { retryAfterMs: 3_600_000 } });
    const skipped = annotated(baking, { "skip-bake.catalyst.openova.io/pilot": by("amal") });
    expect(stepOf(skipped, fleet)).toMatchObject({ phase: "Progressing", next: ["other"] });
  });
});
