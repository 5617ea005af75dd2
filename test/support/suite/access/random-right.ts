import fc from "fast-check";
import type { Right } from "../../../../src/admission/rules/rbac-grant.ts";

/** Few words, so that rules often match questions. */
const VERBS = ["get", "list", "create", "impersonate", "bind"];
const GROUPS = ["", "apps", "example.org"];
const RESOURCES = ["pods", "deployments", "serviceaccounts"];
const SUBRESOURCES = ["exec", "status", "token"];
const NAMES = ["web", "db"];
const PATHS = ["/metrics", "/metrics/slis", "/debug/pprof", "/debug"];

const some = (words: readonly string[], min = 1) =>
  fc.subarray([...words], { minLength: min, maxLength: Math.min(3, words.length) });

/** A rule that the API server accepts: for resources or for paths, never for both. */
const ruleOf = fc.oneof(
  fc.record({
    verbs: some([...VERBS, "*"]),
    apiGroups: some([...GROUPS, "*"]),
    resources: some([
      ...RESOURCES,
      "*",
      ...SUBRESOURCES.flatMap((it) => [`pods/${it}`, `serviceaccounts/${it}`, `*/${it}`]),
      // RBAC has no such wildcard.
      "pods/*",
    ]),
    resourceNames: some(NAMES, 0),
  }),
  fc.record({
    verbs: some(["get", "*"]),
    nonResourceURLs: some([...PATHS, "/debug/*", "/metrics*", "*"]),
  }),
);

export const randomRules = fc.array(ruleOf, { minLength: 0, maxLength: 3 });

export const randomRight: fc.Arbitrary<Right & ({ path: string } | { name: string; subresource: string })> =
  fc.oneof(
    { weight: 4, arbitrary: resourceRight() },
    {
      weight: 1,
      arbitrary: fc.record({ verb: fc.constantFrom("get", "post"), path: fc.constantFrom(...PATHS) }),
    },
  );

function resourceRight() {
  return fc.record({
    verb: fc.constantFrom(...VERBS),
    group: fc.constantFrom(...GROUPS),
    resource: fc.constantFrom(...RESOURCES),
    subresource: fc.constantFrom("", ...SUBRESOURCES),
    name: fc.constantFrom("", ...NAMES),
  });
}
