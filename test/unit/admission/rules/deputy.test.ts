import { describe, expect, it } from "vitest";
import { DEPUTY_GROUPS } from "../../../../src/admission/rules/deputy.ts";
import { LABEL } from "../../../../src/api/label.ts";
import {
  creation,
  deletion,
  facts,
  placed,
  request,
  violationsOf,
} from "../../../support/builder/admission-request.ts";

const KYVERNO = { kind: "controller", namespace: "kyverno" } as const;
const policies = { group: "kyverno.io", resource: "policies" };

describe("the rule for controllers that act for others", () => {
  it.each<{ group: string; resource: string; subresource?: string }>([
    policies,
    { group: "kyverno.io", resource: "policyexceptions" },
    { group: "kyverno.io", resource: "policies", subresource: "status" },
    { group: "policies.kyverno.io", resource: "namespacedgeneratingpolicies" },
    { group: "capsule.clastix.io", resource: "tenantresources" },
  ])("denies each write of $resource of $group", (kind) => {
    const message = `${kind.resource} act with the rights of their controller, also outside their namespace; ask the platform team to write them`;
    const path = `${kind.resource}/x${kind.subresource === undefined ? "" : `/${kind.subresource}`}`;
    for (const input of [creation(kind), request(kind), deletion(kind)])
      expect(violationsOf(input)).toEqual([{ rule: "install-source", path, message }]);
  });

  it("denies a policy to a controller in the namespaces of others", () => {
    const place = placed("acme-prod", { [LABEL.organization]: "acme", [LABEL.environment]: "prod" });
    expect(violationsOf(creation(policies), facts({ identity: KYVERNO, place }))).toMatchObject([
      { rule: "install-source" },
    ]);
    expect(violationsOf(creation(policies), facts({ identity: KYVERNO }))).toMatchObject([
      { rule: "install-source" },
    ]);
  });

  it("lets a controller write the status of a policy, and what its own namespace holds", () => {
    expect(
      violationsOf(request({ ...policies, subresource: "status" }), facts({ identity: KYVERNO })),
    ).toEqual([]);
    expect(
      violationsOf(
        creation({ group: "kyverno.io", resource: "updaterequests" }),
        facts({ identity: KYVERNO, place: placed("kyverno", {}) }),
      ),
    ).toEqual([]);
  });

  it.each(["reports.kyverno.io", "example.kyverno.io", "kyverno.io.example.org"])(
    "leaves the group %s alone",
    (group) => expect(DEPUTY_GROUPS).not.toContain(group),
  );
});
