import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { grants, parsePolicyRules } from "../../../../src/admission/rules/rbac-grant.ts";
import { createAuthorizer } from "../../../../src/playground/apiserver/access/authorization.ts";
import { randomRight, randomRules } from "../../../support/suite/access/random-right.ts";

const metadata = { name: "r" };
const binding = {
  metadata,
  roleRef: { kind: "ClusterRole", name: "r" },
  subjects: [{ kind: "User", name: "u" }],
};

describe("grants", () => {
  it("agrees with the authorizer of the embedded API server, on rights that are granted and on others", () => {
    const seen = { allowed: 0, denied: 0 };
    fc.assert(
      fc.property(randomRules, randomRight, (rules, right) => {
        const { authorize } = createAuthorizer({
          list: (resource) =>
            resource === "clusterroles"
              ? [{ metadata, rules }]
              : resource === "clusterrolebindings"
                ? [binding]
                : [],
          version: () => 1,
        });
        const { allowed } = authorize({ user: { username: "u", groups: [] }, ...right });
        seen[allowed ? "allowed" : "denied"] += 1;
        expect(parsePolicyRules(rules).some((rule) => grants(rule, right))).toBe(allowed);
      }),
      { numRuns: 5_000 },
    );
    expect(seen.allowed).toBeGreaterThan(200);
    expect(seen.denied).toBeGreaterThan(200);
  });
});
