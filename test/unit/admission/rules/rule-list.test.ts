import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AdmissionInput, Requester } from "../../../../src/admission/rules/input.ts";
import { artifactsToCheck, evaluateRules } from "../../../../src/admission/rules/rule-list.ts";
import {
  creation,
  FRANCHISEE,
  facts,
  GROUP,
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
        fc.constantFrom<Requester>(FRANCHISEE, TENANT),
        fc.constantFrom<AdmissionInput["operation"]>("CREATE", "UPDATE", "DELETE"),
        specs,
        (resource, requester, operation, { before, after }) => {
          seen.add(operation);
          const input = request({
            operation,
            group: GROUP,
            resource,
            object: operation === "DELETE" ? undefined : after,
            oldObject: operation === "CREATE" ? undefined : before,
          });
          const found = evaluateRules(input, facts({ requester }));
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

  it("finds nothing in an update that changes nothing but status and order", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PLATFORM_KINDS), fc.jsonValue(), (resource, spec) => {
        const before = reviewed({ kind: "x", spec, status: { a: 1 } });
        const after = reviewed({ status: { a: 2 }, spec, kind: "x" });
        const input = request({ group: GROUP, resource, oldObject: before, object: after });
        expect(evaluateRules(input, facts())).toEqual([]);
      }),
    );
  });

  it.each<[Requester["kind"], Requester]>([
    ["platform", { kind: "platform" }],
    ["controlPlane", { kind: "controlPlane" }],
  ])("denies the %s nothing, and checks none of its artifacts", (_, requester) => {
    const input = creation({
      resource: "pods",
      namespace: "catalyst-system",
      object: { spec: { containers: [{ image: "nginx" }] } },
    });
    expect(evaluateRules(input, facts())).not.toEqual([]);
    expect(artifactsToCheck(input, facts())).not.toEqual([]);
    expect(evaluateRules(input, facts({ requester }))).toEqual([]);
    expect(artifactsToCheck(input, facts({ requester }))).toEqual([]);
  });

  it("lists violations in the order of the rules", () => {
    const input = creation({
      resource: "pods",
      namespace: "catalyst-system",
      object: {
        metadata: {
          labels: { [`${GROUP}/sovereign`]: "a" },
          annotations: { [`${GROUP}/score`]: "1" },
          ownerReferences: [{ kind: "ConfigMap", name: "x" }],
        },
        spec: { containers: [{ image: "nginx" }] },
      },
    });
    const known = facts({ requester: TENANT, namespaceLabels: { [`${GROUP}/organization`]: "shop" } });
    expect(evaluateRules(input, known).map(({ rule }) => rule)).toEqual([
      "system-namespace",
      "platform-label",
      "evidence-pipeline-only",
      "organization-namespace",
      "owner-reference",
      "image-digest",
    ]);
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
