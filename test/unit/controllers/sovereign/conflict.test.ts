import { describe, expect, it } from "vitest";
import {
  conflictCandidates,
  findConflict,
  isBrandingHostTaken,
} from "../../../../src/controllers/sovereign/conflict.ts";
import { sovereign } from "../../../support/builder/catalyst-object.ts";
import { cachesOf } from "../../../support/builder/reconcile-context.ts";

type Spec = Parameters<typeof sovereign>[1];
const createdAt = (name: string, creationTimestamp: string | undefined, spec: Spec = {}) => {
  const own = sovereign(name, spec);
  return {
    ...own,
    metadata: { ...own.metadata, ...(creationTimestamp === undefined ? {} : { creationTimestamp }) },
  };
};
const [EARLY, LATE] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"];
const billingAt = (host: string) => ({
  ...sovereign("any").spec.billing,
  ingress: { host, rateLimit: { requestsPerSecond: 10 } },
});
const zero: Spec = { role: "CatalystZero" };

describe("findConflict", () => {
  it.each<[string, Spec, Spec, string, string]>([
    [
      "fqdn",
      { fqdn: "shared.example" },
      { fqdn: "shared.example" },
      "FqdnTaken",
      "spec.fqdn shared.example is already used by Sovereign older: delete Sovereign younger, or delete Sovereign older first",
    ],
    [
      "ingress host, in whatever case",
      { billing: billingAt("pay.example") },
      { billing: billingAt("Pay.Example") },
      "HostTaken",
      "host pay.example is already served by Sovereign older: set another spec.billing.ingress.host, or delete Sovereign younger, or delete Sovereign older first",
    ],
    [
      "host, the older as its fqdn",
      { fqdn: "pay.example" },
      { billing: billingAt("pay.example") },
      "HostTaken",
      "host pay.example is already served by Sovereign older: set another spec.billing.ingress.host, or delete Sovereign younger, or delete Sovereign older first",
    ],
    [
      "sole role",
      zero,
      zero,
      "SecondCatalystZero",
      "Sovereign older is already the CatalystZero, and a cluster can have only one: delete Sovereign younger, or delete Sovereign older first",
    ],
    [
      "namespace",
      { namespace: "shared" },
      { namespace: "shared" },
      "NamespaceTaken",
      "namespace shared is already used by Sovereign older: delete this Sovereign and create it with another spec.namespace",
    ],
    [
      "namespace of a CatalystZero",
      { ...zero, namespace: "shared" },
      { namespace: "shared" },
      "NamespaceTaken",
      "namespace shared is already used by Sovereign older: delete this Sovereign and create it with another spec.namespace",
    ],
    [
      "namespace, though the younger is the CatalystZero",
      { namespace: "shared" },
      { ...zero, namespace: "shared" },
      "NamespaceTaken",
      "namespace shared is already used by Sovereign older: delete this Sovereign and create it with another spec.namespace",
    ],
    [
      "default namespace",
      { namespace: "sovereign-younger" },
      {},
      "NamespaceTaken",
      "namespace sovereign-younger is already used by Sovereign older: delete this Sovereign and create it with another spec.namespace",
    ],
  ])("refuses the younger of two with the same %s", (_what, olderSpec, youngerSpec, reason, message) => {
    const [older, younger] = [createdAt("older", EARLY, olderSpec), createdAt("younger", LATE, youngerSpec)];
    const { sovereigns } = cachesOf({ sovereigns: [younger, older] });
    expect(findConflict(sovereigns, younger)).toEqual({ reason, message });
    expect(findConflict(sovereigns, older)).toBeUndefined();
  });

  it("reports the fqdn first when two older Sovereigns hold the claims of this one", () => {
    const own = createdAt("own", LATE, { fqdn: "shared.example", namespace: "shared" });
    const byFqdn = createdAt("by-fqdn", EARLY, { fqdn: "shared.example" });
    const byNamespace = createdAt("by-namespace", EARLY, { namespace: "shared" });
    const { sovereigns } = cachesOf({ sovereigns: [own, byNamespace, byFqdn] });
    expect(findConflict(sovereigns, own)?.message).toContain("already used by Sovereign by-fqdn:");
  });

  it("stops no Sovereign for a host that a Franchisee chose", () => {
    const older = createdAt("older", EARLY, { branding: { hostname: "younger.example" } });
    const younger = createdAt("younger", LATE, { branding: { hostname: "older.example" } });
    const { sovereigns } = cachesOf({ sovereigns: [older, younger] });
    expect(findConflict(sovereigns, younger)).toBeUndefined();
    expect(findConflict(sovereigns, older)).toBeUndefined();
  });

  it("finds no conflict between Sovereigns that share nothing", () => {
    const [first, second] = [createdAt("a", EARLY), createdAt("b", LATE)];
    const { sovereigns } = cachesOf({ sovereigns: [first, second] });
    expect(findConflict(sovereigns, second)).toBeUndefined();
  });

  it.each([
    ["created in the same second", EARLY],
    ["without a creation time", undefined],
  ])("keeps the first by name of two that were %s", (_which, at) => {
    const [first, second] = [createdAt("a", at, zero), createdAt("b", at, zero)];
    const { sovereigns } = cachesOf({ sovereigns: [second, first] });
    expect(findConflict(sovereigns, first)).toBeUndefined();
    expect(findConflict(sovereigns, second)).toMatchObject({ reason: "SecondCatalystZero" });
  });

  it("prefers the older Sovereign to the first by name", () => {
    const [older, younger] = [createdAt("z", EARLY, zero), createdAt("a", LATE, zero)];
    const { sovereigns } = cachesOf({ sovereigns: [younger, older] });
    expect(findConflict(sovereigns, older)).toBeUndefined();
    expect(findConflict(sovereigns, younger)?.message).toContain("Sovereign z is already");
  });
});

describe("isBrandingHostTaken", () => {
  const named = (name: string, at: string, hostname: string, spec: Spec = {}) =>
    createdAt(name, at, { ...spec, branding: { hostname } });
  const isTaken = (own: ReturnType<typeof createdAt>, ...others: ReturnType<typeof createdAt>[]) =>
    isBrandingHostTaken(cachesOf({ sovereigns: [own, ...others] }).sovereigns, own);

  it.each<[boolean, string, ReturnType<typeof createdAt>, ReturnType<typeof createdAt>]>([
    [true, "a younger one's fqdn", named("a", EARLY, "B.example."), createdAt("b", LATE)],
    [
      true,
      "a younger one's ingress host",
      named("a", EARLY, "pay.example"),
      createdAt("b", LATE, { billing: billingAt("pay.example") }),
    ],
    [true, "an older one's choice", named("a", LATE, "shop.example"), named("b", EARLY, "shop.example")],
    [false, "a younger one's choice", named("a", EARLY, "shop.example"), named("b", LATE, "shop.example")],
    [false, "no other's", named("a", EARLY, "shop.example"), createdAt("b", EARLY)],
  ])("is %s for a host that is %s", (expected, _whose, own, other) => {
    expect(isTaken(own, other)).toBe(expected);
  });

  it("is false for the Sovereign's own hosts and without a host", () => {
    expect(isTaken(named("a", LATE, "a.example"))).toBe(false);
    expect(isTaken(createdAt("a", LATE), createdAt("b", EARLY))).toBe(false);
  });
});

describe("conflictCandidates", () => {
  it("finds the Sovereigns with the same fqdn, role or namespace", () => {
    const own = sovereign("own", zero);
    const others = [
      sovereign("same-fqdn", { fqdn: "own.example" }),
      sovereign("same-role", zero),
      sovereign("same-namespace", { namespace: "sovereign-own" }),
      sovereign("other"),
    ];
    const { sovereigns } = cachesOf({ sovereigns: [own, ...others] });
    const names = conflictCandidates(sovereigns, own).map(({ metadata }) => metadata.name);
    expect([...new Set(names)].sort()).toEqual(["own", "same-fqdn", "same-namespace", "same-role"]);
  });

  it("does not treat a shared role as a conflict, except CatalystZero", () => {
    const own = sovereign("own");
    const { sovereigns } = cachesOf({ sovereigns: [own, sovereign("other")] });
    const names = conflictCandidates(sovereigns, own).map(({ metadata }) => metadata.name);
    expect([...new Set(names)]).toEqual(["own"]);
  });
});
