import { describe, expect, it } from "vitest";
import { findFranchise } from "../../../../src/controllers/sovereign/franchise.ts";
import { franchise, NOW, sovereign } from "../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../support/builder/reconcile-context.ts";

const franchised = sovereign("omantel", { role: "Franchised", franchise: "omantel" });

describe("findFranchise", () => {
  it("limits nothing for a Sovereign without a Franchise", () => {
    expect(findFranchise(contextOf(sovereign("omantel")))).toEqual({
      franchise: undefined,
      isInTerm: true,
      stop: undefined,
    });
  });

  it("waits for a Franchise that does not exist", () => {
    const franchises = [franchise("another")];
    expect(findFranchise(contextOf(franchised, { franchises }))).toEqual({
      franchise: undefined,
      isInTerm: false,
      stop: {
        kind: "waiting",
        reason: "FranchiseMissing",
        message: "Franchise omantel does not exist: apply it",
        retryAfterMs: 60_000,
        isWatched: true,
      },
    });
  });

  it.each([
    ["runs", { start: NOW }, true],
    ["has not started", { start: "2026-11-24T12:00:00.001Z" }, false],
    ["ends now", { start: "2026-01-01T00:00:00Z", end: NOW }, false],
  ])("finds a Franchise whose term %s", (_which, term, isInTerm) => {
    const own = franchise("omantel", term);
    expect(findFranchise(contextOf(franchised, { franchises: [own] }))).toEqual({
      franchise: own,
      isInTerm,
      stop: undefined,
    });
  });
});
