import { describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../../src/api/billing-release.ts";
import { desiredAnnotations } from "../../../../src/controllers/billing-release/desired-annotation.ts";
import { planOf } from "../../../../src/controllers/billing-release/desired-member.ts";
import { transitionsOf } from "../../../../src/controllers/billing-release/status-transition.ts";
import { IMAGE, measured, NEXT_IMAGE, release } from "../../../support/builder/catalyst-object.ts";
import {
  annotated,
  by,
  decide,
  observed,
  reasonOf,
  waiting,
  zero,
} from "../../../support/builder/rollout-decision.ts";

const APPROVED = "approve.catalyst.openova.io/gulf";
const SKIPPED = "skip.catalyst.openova.io/alpha";
const BAKE_SKIPPED = "skip-bake.catalyst.openova.io/canary";
const ABORTED = "catalyst.openova.io/rollout-aborted";

/** A person sets another digest, and the registry has it. */
const turned = ({ metadata, spec, status, ...kind }: BillingRelease, image: string): BillingRelease => ({
  ...kind,
  metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 },
  spec: { ...spec, image },
  status: { ...status, imageCheck: { image, result: "Found" } },
});

const stages = [{ name: "gulf", sovereigns: ["alpha"], approval: true }];
const fleet = [zero(NEXT_IMAGE), waiting("alpha")];
const first = observed(release({ stages }, measured(NEXT_IMAGE)), fleet);
/** The release rolled out the image, then another, and now the image again. */
const again = (values: Record<string, string>) => {
  const back = turned(observed(annotated(first, values), fleet), IMAGE);
  return turned(observed(back, [zero(IMAGE), waiting("alpha")]), NEXT_IMAGE);
};
const counted = (brel: BillingRelease) => {
  const { abortedBy, approved, skipped, bakeSkipped } = planOf(brel).interventions;
  return { abort: abortedBy, ...Object.fromEntries([...approved, ...skipped, ...bakeSkipped]) };
};

describe("an intervention in an earlier rollout of the same image", () => {
  it("does not count, is not recorded, and makes no Event", () => {
    const brel = again({ [APPROVED]: by("amal"), [BAKE_SKIPPED]: by("amal") });
    const after = observed(brel, fleet);
    expect(after.status?.rollout).toMatchObject({ sinceGeneration: 3 });
    expect(after.status?.rollout?.interventions).toBeUndefined();
    expect(transitionsOf(brel, after.status ?? {}).map(({ reason }) => reason)).not.toContain(
      "StageApproved",
    );
    expect(reasonOf(decide(waiting("alpha"), after, fleet))).toBe("WaitingForApproval");
    expect(counted(brel)).toEqual({ abort: undefined });
    expect(counted(again({ [SKIPPED]: by("amal"), [ABORTED]: by("amal") }))).toEqual({ abort: undefined });
  });

  it("counts again when the same person does it in this rollout", () => {
    const brel = again({ [APPROVED]: by("amal") });
    const { annotations } = desiredAnnotations(brel, { kind: "approve", name: "gulf" }, "amal");
    expect(annotations).toEqual({ [APPROVED]: by("amal", undefined, 3) });
    const approved = annotated(brel, { [APPROVED]: by("amal", undefined, 3) });
    for (const each of [approved, observed(approved, fleet)])
      expect(counted(each)).toMatchObject({ gulf: "amal" });
    expect(decide(waiting("alpha"), observed(approved, fleet), fleet)).toEqual({ kind: "update" });
  });

  it("counts for the rollout that continues after another change of the spec", () => {
    const approved = observed(annotated(first, { [APPROVED]: by("amal") }), fleet);
    expect(counted(turned(approved, NEXT_IMAGE))).toMatchObject({ gulf: "amal" });
  });
});

describe("a value whose rollout is not known", () => {
  const digest = NEXT_IMAGE.split("@")[1];

  it.each([
    ["without a number", `amal@${digest}`],
    ["with a generation that does not exist yet", by("amal", undefined, 2)],
  ])("counts %s if it holds Sovereigns back, and not if it lets them go on", (_title, value) => {
    const values = { [APPROVED]: value, [BAKE_SKIPPED]: value, [SKIPPED]: value, [ABORTED]: value };
    expect(counted(annotated(first, values))).toEqual({ abort: "amal", alpha: "amal" });
  });

  it("counts in a rollout whose start an older operator did not record", () => {
    const rollout = { image: NEXT_IMAGE, stages: [] };
    const brel = release({ stages }, { ...measured(NEXT_IMAGE), rollout });
    const values = { [APPROVED]: `amal@${digest}`, [SKIPPED]: by("amal"), [BAKE_SKIPPED]: `amal@${digest}` };
    expect(counted(annotated(brel, values))).toEqual({
      abort: undefined,
      gulf: "amal",
      alpha: "amal",
      canary: "amal",
    });
  });
});
