import { describe, expect, it } from "vitest";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import {
  failedOn,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  servingOn,
  sovereign,
  updatingTo,
} from "../../../support/builder/catalyst-object.ts";
import { decide, done, reasonOf, stepOf, zero } from "../../../support/builder/rollout-decision.ts";

describe("a fleet that changes in the middle of a rollout", () => {
  const stages = [{ name: "pilot", sovereigns: ["alpha", "beta"], approval: false }];
  const brel = release({ stages, maxUnavailable: 1 }, measured(NEXT_IMAGE));
  const waiting = (name: string, spec: Partial<Sovereign["spec"]> = {}) =>
    sovereign(name, spec, servingOn(IMAGE));
  const updating = (name: string, spec: Partial<Sovereign["spec"]> = {}) =>
    sovereign(name, spec, updatingTo(NEXT_IMAGE, IMAGE));
  const failed = (name: string, spec: Partial<Sovereign["spec"]> = {}) =>
    sovereign(name, spec, failedOn(NEXT_IMAGE, IMAGE));
  const deleting = (own: Sovereign): Sovereign => ({
    ...own,
    metadata: { ...own.metadata, deletionTimestamp: NOW },
  });

  it("goes back to an earlier stage for a Sovereign that is added to it", () => {
    const fleet = [zero(NEXT_IMAGE), done("alpha"), waiting("omega")];
    expect(stepOf(brel, fleet)).toMatchObject({ stage: 2, next: ["omega"] });
    expect(stepOf(brel, [...fleet, waiting("beta")])).toMatchObject({ stage: 1, next: ["beta"] });
  });

  it("measures again with a Catalyst-Zero that is added, before the others continue", () => {
    const added = sovereign("zero", { role: "CatalystZero" });
    expect(stepOf(release(), [added, waiting("alpha")])).toMatchObject({ phase: "Canary", next: ["zero"] });
  });

  it.each<[string, Sovereign[], string[]]>([
    ["updates", [updating("alpha"), waiting("beta")], []],
    ["was updating and is deleted", [waiting("beta")], ["beta"]],
    ["was updating and is suspended", [updating("alpha", { suspend: true }), waiting("beta")], ["beta"]],
    ["failed", [failed("alpha"), waiting("beta")], []],
    ["failed and is deleted", [waiting("beta")], ["beta"]],
    ["failed and is suspended", [failed("alpha", { suspend: true }), waiting("beta")], ["beta"]],
    ["waits and is being deleted", [deleting(waiting("alpha")), waiting("beta")], ["beta"]],
    ["failed and is being deleted", [deleting(failed("alpha")), waiting("beta")], ["beta"]],
  ])("starts the right Sovereigns after another one that %s", (_, fleet, next) => {
    expect(stepOf(brel, [zero(NEXT_IMAGE), ...fleet]).next).toEqual(next);
  });

  it("is complete while the deletion of one Sovereign waits", () => {
    const step = stepOf(brel, [zero(NEXT_IMAGE), deleting(waiting("alpha")), done("beta")]);
    expect(step).toMatchObject({ phase: "Complete", next: [] });
  });

  it("lets a suspended Sovereign take the image when it continues, in its wave", () => {
    const suspended = waiting("alpha", { suspend: true });
    expect(reasonOf(decide(suspended, brel, [zero(NEXT_IMAGE), suspended]))).toBe("Suspended");
    expect(reasonOf(decide(waiting("alpha"), brel, [zero(NEXT_IMAGE), waiting("alpha")]))).toBe("update");
  });

  it("treats a Sovereign from another release as one that waits", () => {
    const moved = sovereign("omega", {}, servingOn(`${IMAGE.slice(0, -1)}d`));
    expect(stepOf(brel, [zero(NEXT_IMAGE), done("alpha"), moved]).next).toEqual(["omega"]);
  });
});
