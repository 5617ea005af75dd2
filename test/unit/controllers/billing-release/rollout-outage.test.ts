import { describe, expect, it } from "vitest";
import type { Sovereign, SovereignSpec, SovereignStatus } from "../../../../src/api/sovereign.ts";
import { transitionsOf } from "../../../../src/controllers/billing-release/status-transition.ts";
import {
  condition,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  servingOn,
  sovereign,
  updatingTo,
} from "../../../support/builder/catalyst-object.ts";
import {
  annotated,
  by,
  decide,
  done,
  nowMs,
  observed,
  reasonOf,
  stepOf,
  waiting,
  zero,
} from "../../../support/builder/rollout-decision.ts";

/** As the hub shows it while its cluster does not answer. */
const away = (
  name: string,
  status: SovereignStatus | undefined,
  spec: Partial<SovereignSpec> = {},
): Sovereign =>
  sovereign(name, spec, {
    ...status,
    conditions: [
      condition("VoucherShapeVerified", "Unknown"),
      { ...condition("ClusterReachable", "False"), reason: "ClusterUnreachable", message: "no answer" },
    ],
  });
describe("an outage in the middle of a rollout", () => {
  const ready = release({}, measured(NEXT_IMAGE));

  it.each([
    ["serves with another image", servingOn(IMAGE)],
    ["takes the image", updatingTo(NEXT_IMAGE, IMAGE)],
  ])("does not complete it while a Sovereign that %s is out of reach", (_, status) => {
    const before = observed(ready, [zero(NEXT_IMAGE), done("alpha"), waiting("beta")]);
    const fleet = [zero(NEXT_IMAGE), done("alpha"), away("beta", status), away("gamma", status)];
    const after = observed(before, fleet);
    expect(after.status).toMatchObject({ phase: "Progressing", leftOut: 2 });
    expect(after.status?.rollout).not.toHaveProperty("completedAt");
    const message =
      "2 of 4 Sovereigns are verified on version 2.0.0, 2 left out: the hub does not reach the cluster of Sovereign beta, nor those of 1 more: " +
      "it takes the image when its cluster answers; to complete the rollout without it, run `catalyst rollout skip stable beta`";
    expect(after.status?.conditions).toMatchObject([
      { type: "Ready", status: "False", reason: "WaitingForCluster", message },
      { type: "Reconciling", status: "True", reason: "WaitingForCluster" },
    ]);
    expect(after.status?.rollout?.heldUpBy).toEqual(
      ["beta", "gamma"].map((name) => ({
        ...{ name, state: "LeftOut", reason: "ClusterUnreachable", message: "no answer" },
      })),
    );
    expect(transitionsOf(before, after.status ?? {})).toEqual([
      { type: "Warning", reason: "WaitingForCluster", message },
    ]);
    expect(transitionsOf(after, observed(after, fleet).status ?? {})).toEqual([]);
  });

  it("delays no other Sovereign, and its own Sovereign takes the image in a wave when the cluster answers", () => {
    const fleet = [zero(NEXT_IMAGE), away("alpha", servingOn(IMAGE)), waiting("beta")];
    expect(stepOf(ready, fleet)).toMatchObject({ phase: "Progressing", next: ["beta"] });
    const back = [zero(NEXT_IMAGE), waiting("alpha"), done("beta")];
    expect(stepOf(ready, back)).toMatchObject({ phase: "Progressing", next: ["alpha"] });
    expect(reasonOf(decide(waiting("alpha"), ready, back))).toBe("update");
  });

  it("does not end the bake of a Sovereign that was verified before", () => {
    const brel = release({ bake: "5m" }, measured(NEXT_IMAGE));
    const fleet = [zero(NEXT_IMAGE), away("alpha", servingOn(NEXT_IMAGE, "2026-11-24T12:03:00.000Z"))];
    expect(stepOf(brel, fleet, nowMs + 180_000)).toMatchObject({
      phase: "Baking",
      wait: { retryAfterMs: 300_000 },
    });
    expect(stepOf(brel, fleet, nowMs + 479_999).phase).toBe("Baking");
    expect(stepOf(brel, fleet, nowMs + 480_000).phase).toBe("Complete");
  });

  it.each<[string, Sovereign]>([
    ["ran nothing yet", away("alpha", undefined)],
    ["is suspended", away("alpha", servingOn(IMAGE), { suspend: true })],
    [
      "was stalled on its image",
      away("alpha", { ...servingOn(IMAGE), cluster: { uid: "u", stalledOn: IMAGE } }),
    ],
    [
      "needs another kubeconfig",
      sovereign(
        "alpha",
        {},
        {
          ...servingOn(IMAGE),
          conditions: [
            { ...condition("ClusterReachable", "False"), reason: "KubeconfigRefused" },
            { ...condition("Stalled", "True"), reason: "KubeconfigRefused" },
          ],
        },
      ),
    ],
  ])("does not delay the completion for a Sovereign that %s", (_, alpha) => {
    expect(observed(ready, [zero(NEXT_IMAGE), alpha]).status).toMatchObject({
      phase: "Complete",
      rollout: { completedAt: NOW },
    });
  });

  it("ends for the rollout when a person skips or holds the Sovereign", () => {
    const alpha = away("alpha", servingOn(IMAGE));
    const skipped = annotated(ready, { "skip.catalyst.openova.io/alpha": by("amal") });
    expect(stepOf(skipped, [zero(NEXT_IMAGE), alpha]).phase).toBe("Complete");
    const hold = { reason: "audit", until: "2027-01-01T00:00:00.000Z" };
    const held = { ...alpha, spec: { ...alpha.spec, billing: { ...alpha.spec.billing, hold } } };
    expect(stepOf(ready, [zero(NEXT_IMAGE), held]).phase).toBe("Complete");
  });
});
