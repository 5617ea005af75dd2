import { describe, expect, it } from "vitest";
import { findCondition } from "../../../../src/api/condition.ts";
import { type Term, termAt } from "../../../../src/api/term.ts";
import { desiredStatus } from "../../../../src/controllers/franchise/status.ts";
import { condition, franchise, NOW, sovereign } from "../../../support/builder/catalyst-object.ts";

const term = { start: "2026-01-01T00:00:00Z", end: "2027-01-01T00:00:00Z" };
const own = franchise("omantel", term);
const status = (at: Term, object = own, keyProblems: (string | undefined)[] = []) =>
  desiredStatus(
    object,
    {
      sovereigns: [sovereign("zahra"), sovereign("amal")],
      ...{ privateBlueprints: [{}, {}] as never, term: at, keyProblems },
      scope: { sovereigns: ["amal"], namespaces: ["sovereign-amal", "catalog"] },
    },
    NOW,
  );

describe("a Franchise's status", () => {
  it.each<[string, Term, boolean, "True" | "False", string, string]>([
    ["runs", { kind: "running", endsInMs: 1 }, true, "True", "InTerm", "the term of the Franchise runs"],
    [
      "has not started",
      { kind: "notStarted", startsInMs: 1 },
      false,
      "False",
      "TermNotStarted",
      "the term begins at 2026-01-01T00:00:00Z: until then, the Franchise's subjects may change nothing",
    ],
    [
      "ended",
      { kind: "ended" },
      false,
      "False",
      "TermEnded",
      "the term ended at 2027-01-01T00:00:00Z: the Franchise's subjects may change nothing until spec.term.end is moved or removed",
    ],
  ])("says that the term %s", (_what, at, inTerm, ready, reason, message) => {
    const seen = status(at);
    expect(seen.inTerm).toBe(inTerm);
    expect(findCondition(seen.conditions, "Ready")).toEqual({
      type: "Ready",
      status: ready,
      reason,
      message,
      lastTransitionTime: NOW,
    });
    expect(seen.conditions?.map(({ type }) => type)).toEqual([
      ...["AccessGranted", "BlueprintTrustValid", "Ready"],
      ...(ready === "True" ? [] : ["Stalled"]),
    ]);
  });

  it("says where the subjects have rights, and that they have none outside the term", () => {
    expect(findCondition(status({ kind: "running", endsInMs: 1 }).conditions, "AccessGranted")).toMatchObject(
      {
        ...{ status: "True", reason: "Granted" },
        message:
          "the subjects (1) have ClusterRole catalyst-franchisee-omantel for the Franchise's Sovereigns (1), and RoleBindings in namespaces catalog, sovereign-amal",
      },
    );
    expect(findCondition(status({ kind: "ended" }).conditions, "AccessGranted")).toMatchObject({
      ...{ status: "False", reason: "OutsideTerm" },
      message:
        "the term does not run, so the subjects have no rights: they get them when it runs, as spec.term says",
    });
    const observed = { sovereigns: [], privateBlueprints: [], keyProblems: [] };
    const nowhere = { ...observed, scope: { sovereigns: [], namespaces: [] } };
    const seen = desiredStatus(own, { ...nowhere, term: { kind: "running", endsInMs: 1 } }, NOW);
    expect(findCondition(seen.conditions, "AccessGranted")?.message).toBe(
      "the subjects (1) have ClusterRole catalyst-franchisee-omantel for the Franchise's Sovereigns (0), and RoleBindings in no namespace",
    );
  });

  it("names the catalog of private Blueprints only when the Franchise grants some", () => {
    const scope = { sovereigns: [], namespaces: ["catalog", "catalog-sovereign"] };
    const message = (object: typeof own) => {
      const observed = { sovereigns: [], privateBlueprints: [], keyProblems: [], scope };
      const seen = desiredStatus(object, { ...observed, term: { kind: "running", endsInMs: 1 } }, NOW);
      return findCondition(seen.conditions, "AccessGranted")?.message;
    };
    const withGrant = (max: number) => ({
      ...own,
      spec: { ...own.spec, grants: { ...own.spec.grants, privateBlueprints: { max } } },
    });
    expect(message(withGrant(0))).toMatch(/and RoleBindings in namespaces catalog$/);
    expect(message(withGrant(1))).toMatch(/and RoleBindings in namespaces catalog, catalog-sovereign$/);
  });

  it.each<[string, (string | undefined)[], "True" | "False", string, string]>([
    ["no entries", [], "True", "Valid", "all entries of spec.blueprintTrust count"],
    ["valid entries", [undefined, undefined], "True", "Valid", "all entries of spec.blueprintTrust count"],
    [
      "invalid keys",
      ["must be ECDSA", undefined, "must be RSA"],
      "False",
      "KeyInvalid",
      "spec.blueprintTrust[0].publicKey must be ECDSA; spec.blueprintTrust[2].publicKey must be RSA",
    ],
    [
      "many invalid keys",
      Array.from({ length: 7 }, () => "must be RSA"),
      "False",
      "KeyInvalid",
      `${[0, 1, 2, 3, 4].map((index) => `spec.blueprintTrust[${index}].publicKey must be RSA`).join("; ")}; and 2 more`,
    ],
  ])("says which keys of a trust with %s count for nothing", (_what, problems, state, reason, message) => {
    const { conditions } = status({ kind: "running", endsInMs: undefined }, own, problems);
    expect(conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
      "AccessGranted=True",
      `BlueprintTrustValid=${state}`,
      "Ready=True",
    ]);
    expect(conditions?.[1]).toMatchObject({ reason, message });
  });

  it("lists its Sovereigns by name and counts private Blueprints", () => {
    expect(status({ kind: "ended" })).toMatchObject({ sovereigns: ["amal", "zahra"], privateBlueprints: 2 });
  });

  it("describes the generation that it observed, and keeps the time of a condition that stays", () => {
    const earlier = "2026-02-01T00:00:00Z";
    const object = {
      ...own,
      metadata: { ...own.metadata, generation: 4 },
      status: { conditions: [condition("Ready", "True", earlier), condition("Stalled", "True", earlier)] },
    };
    expect(status({ kind: "running", endsInMs: undefined }, object)).toMatchObject({
      observedGeneration: 4,
      conditions: [
        { type: "AccessGranted", observedGeneration: 4, lastTransitionTime: NOW },
        { type: "BlueprintTrustValid", observedGeneration: 4, lastTransitionTime: NOW },
        { type: "Ready", observedGeneration: 4, lastTransitionTime: earlier },
      ],
    });
    expect(status({ kind: "ended" })).not.toHaveProperty("observedGeneration");
  });
});

describe("termAt", () => {
  const at = (text: string) => Date.parse(text);
  it.each([
    [term, "2025-12-31T23:59:59.999Z", { kind: "notStarted", startsInMs: 1 }],
    [term, "2026-01-01T00:00:00Z", { kind: "running", endsInMs: 365 * 24 * 3_600_000 }],
    [term, "2026-12-31T23:59:59.999Z", { kind: "running", endsInMs: 1 }],
    [term, "2027-01-01T00:00:00Z", { kind: "ended" }],
    [{ start: term.start }, "2099-01-01T00:00:00Z", { kind: "running", endsInMs: undefined }],
  ])("computes the state of the term %j at %s", (spec, now, expected) => {
    expect(termAt(franchise("f", spec), at(now))).toEqual(expected);
  });
});
