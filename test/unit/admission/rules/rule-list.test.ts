import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Identity } from "../../../../src/admission/rules/identity.ts";
import type { AdmissionInput, ReviewedObject } from "../../../../src/admission/rules/request.ts";
import { artifactsToCheck, evaluateRules } from "../../../../src/admission/rules/rule-list.ts";
import {
  CLUSTER,
  creation,
  FRANCHISEE,
  facts,
  GROUP,
  placed,
  request,
  reviewed,
  TENANT,
} from "../../../support/builder/admission-request.ts";

const PLATFORM_KINDS = ["billingreleases", "franchises", "environmentpolicies", "organizations"];

describe("evaluateRules", () => {
  /** Objects that differ in spec, as an API server sends them. */
  const specs = fc
    .tuple(fc.jsonValue(), fc.jsonValue())
    .filter(([before, after]) => JSON.stringify(before) !== JSON.stringify(after))
    .map(([before, after]) => ({ before: reviewed({ spec: before }), after: reviewed({ spec: after }) }))
    .filter(({ before, after }) => !isSameApartFromOrder(before, after));

  it("denies every write of the platform's kinds by others", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.constantFrom(...PLATFORM_KINDS),
        fc.constantFrom<Identity>(FRANCHISEE, TENANT),
        fc.constantFrom<AdmissionInput["operation"]>("CREATE", "UPDATE", "DELETE"),
        specs,
        (resource, identity, operation, { before, after }) => {
          seen.add(operation);
          const input = request({
            operation,
            group: GROUP,
            resource,
            object: operation === "DELETE" ? undefined : after,
            oldObject: operation === "CREATE" ? undefined : before,
          });
          const found = evaluateRules(input, facts({ identity }));
          expect(found.map(({ rule }) => rule)).toContain("platform-kind");
          expect(
            found.every(({ path }) =>
              operation === "UPDATE" ? /^spec/.test(path) : path === `${resource}/x`,
            ),
          ).toBe(true);
        },
      ),
    );
    expect([...seen].sort()).toEqual(["CREATE", "DELETE", "UPDATE"]);
  });

  it("denies an update that changes nothing, because its sender would own the fields", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PLATFORM_KINDS), fc.jsonValue(), (resource, spec) => {
        const before = reviewed({ kind: "x", spec, status: { a: 1 } });
        const after = reviewed({ status: { a: 2 }, spec, kind: "x" });
        const input = request({ group: GROUP, resource, oldObject: before, object: after });
        expect(evaluateRules(input, facts())).toMatchObject([
          { rule: "platform-kind", path: `${resource}/x` },
        ]);
      }),
    );
  });

  it.each<[Identity["kind"], Identity]>([
    ["platform", { kind: "platform" }],
    ["controlPlane", { kind: "controlPlane" }],
  ])("denies the %s nothing, and checks none of its artifacts", (_, identity) => {
    const input = creation({
      resource: "pods",
      namespace: "catalyst-system",
      object: { spec: { containers: [{ image: "nginx" }] } },
    });
    expect(evaluateRules(input, facts())).not.toEqual([]);
    expect(artifactsToCheck(input, facts())).not.toEqual([]);
    expect(evaluateRules(input, facts({ identity }))).toEqual([]);
    expect(artifactsToCheck(input, facts({ identity }))).toEqual([]);
  });

  const pod = {
    metadata: {
      labels: { [`${GROUP}/sovereign`]: "a" },
      annotations: { [`${GROUP}/score`]: "1" },
    },
    spec: { hostPID: true, containers: [{ image: "nginx" }] },
  };

  it("lists violations in the order of the rules", () => {
    const input = creation({ resource: "pods", object: pod });
    expect(evaluateRules(input, facts({ identity: TENANT })).map(({ rule }) => rule)).toEqual([
      "platform-label",
      "evidence-pipeline-only",
      "pod-isolation",
      "image-digest",
    ]);
  });

  it("names only the place when the place is not the requester's", () => {
    const input = creation({ resource: "pods", namespace: "kube-system", object: pod });
    const known = facts({ identity: TENANT, place: placed("kube-system") });
    expect(evaluateRules(input, known).map(({ rule }) => rule)).toEqual(["platform-namespace"]);
  });

  it("denies an object that nests 5,000 levels in less than a second of processor time", () => {
    const object = Array.from({ length: 5_000 }).reduce<ReviewedObject>((inner) => ({ a: inner }), {});
    const before = process.cpuUsage();
    for (const place of [placed("shop"), placed("kube-system"), CLUSTER])
      expect(evaluateRules(creation({ resource: "pods", object }), facts({ place }))).not.toEqual([]);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(1_000);
  });
});

function isSameApartFromOrder(a: unknown, b: unknown): boolean {
  const ordered = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(ordered)
      : value !== null && typeof value === "object"
        ? Object.entries(value)
            .sort(([x], [y]) => (x < y ? -1 : 1))
            .map(([name, member]) => [name, ordered(member)])
        : value;
  return JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));
}
