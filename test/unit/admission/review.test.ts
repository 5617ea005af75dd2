import { describe, expect, it } from "vitest";
import type { Enforcer } from "../../../src/admission/enforcement.ts";
import type { AdmissionInput } from "../../../src/admission/rules/request.ts";
import { creation, GROUP, verdict } from "../../support/builder/admission-request.ts";
import { IMAGE, NEXT_IMAGE } from "../../support/builder/catalyst-object.ts";
import {
  blueprint,
  granted,
  newBlueprint,
  organization,
  pod,
  reviewer,
} from "../../support/builder/reviewer.ts";

describe("a review", () => {
  it("checks each artifact of a request that passes the rules, and denies those that are refused", async () => {
    const { review, checked } = reviewer();
    expect(await review(pod(IMAGE, NEXT_IMAGE, "registry.test/a@sha256:".padEnd(87, "0")))).toEqual(
      verdict({
        violations: [
          { rule: "image-signature", path: "spec.containers[1].image", message: "next is not signed" },
        ],
      }),
    );
    expect(checked.map(([{ reference }]) => reference)).toEqual([
      IMAGE,
      NEXT_IMAGE,
      "registry.test/a@sha256:".padEnd(87, "0"),
    ]);
  });

  it("asks no registry about an install that a policy of its environment denies", async () => {
    const violations = [{ rule: "environment-window" as const, path: "spec", message: "closed" }];
    const judged = verdict({ violations, warnings: ["w"], auditAnnotations: { a: "b" } });
    const { review, checked } = reviewer({ judged });
    expect(await review(pod(IMAGE))).toEqual(judged);
    expect(checked).toEqual([]);
  });

  describe("with checksAll, as for Audit", () => {
    const rulesOf = async ({ review }: ReturnType<typeof reviewer>, input: AdmissionInput) =>
      (await review(input)).violations.map(({ rule, path }) => `${rule} ${path}`);

    it("also checks the signatures of a request that violates a rule, except of fields that a rule denies", async () => {
      const all = reviewer({ checksAll: true });
      expect(await rulesOf(all, pod("shop:latest", NEXT_IMAGE))).toEqual([
        "image-digest spec.containers[0].image",
        "image-signature spec.containers[1].image",
      ]);
      expect(all.checked.map(([{ reference }]) => reference)).toEqual([NEXT_IMAGE]);
    });

    it("also checks the signatures of an install that a policy of its environment denies", async () => {
      const violations = [{ rule: "environment-window" as const, path: "spec", message: "closed" }];
      const judged = verdict({ violations, warnings: ["w"] });
      const { review } = reviewer({ checksAll: true, judged });
      const given = await review(pod(NEXT_IMAGE));
      expect(given.violations.map(({ rule }) => rule)).toEqual(["environment-window", "image-signature"]);
      expect(given.warnings).toEqual(["w"]);
    });

    it("does not search an object that nests too deep", async () => {
      let spec: object = { containers: [{ image: NEXT_IMAGE }] };
      for (let depth = 0; depth < 5_000; depth += 1) spec = { spec };
      const all = reviewer({ checksAll: true });
      expect(await rulesOf(all, creation({ resource: "pods", object: { spec } }))).toEqual([
        expect.stringContaining("object-depth"),
      ]);
      expect(all.checked).toEqual([]);
    });

    it("asks no registry about the platform's requests", async () => {
      const all = reviewer({ checksAll: true });
      const user = { username: "ops", groups: ["catalyst:platform"] };
      expect(await rulesOf(all, { ...pod(NEXT_IMAGE), user })).toEqual([]);
      expect(all.checked).toEqual([]);
    });
  });

  it("keeps the warnings of policies when a registry denies, and when it does not", async () => {
    const judged = verdict({ warnings: ["w"], auditAnnotations: { a: "b" } });
    const { review } = reviewer({ judged });
    expect(await review(pod(IMAGE))).toEqual(judged);
    expect(await review(pod(NEXT_IMAGE))).toMatchObject({
      violations: [{ rule: "image-signature" }],
      warnings: ["w"],
    });
  });

  it("judges no install of the platform", async () => {
    const { review } = reviewer({ judged: verdict({ warnings: ["w"] }) });
    const user = { username: "ops", groups: ["catalyst:platform"] };
    expect(await review({ ...pod(IMAGE), user })).toEqual(verdict());
  });

  it("checks no artifact of a request that the rules deny", async () => {
    const { rulesOf, checked } = reviewer();
    expect(await rulesOf(pod(IMAGE, "nginx"))).toEqual(["image-digest"]);
    expect(checked).toEqual([]);
  });

  it("lets a Franchisee's Franchises vouch for its artifacts, and no Franchise for a tenant's", async () => {
    const { review, checked } = reviewer({ franchises: [granted()] });
    expect(await review(newBlueprint)).toEqual(verdict());
    await review({ ...pod(IMAGE), user: { username: "tenant", groups: [] } });
    expect(checked.map(([, acting]) => acting)).toEqual([["omantel"], []]);
  });

  it.each([
    ["before its term", { start: "2026-06-01T00:00:01Z" }, ["blueprint-owner"]],
    ["in its term", { start: "2026-06-01T00:00:00Z", end: "2026-06-01T00:00:01Z" }, []],
    ["after its term", { start: "2026-01-01T00:00:00Z", end: "2026-06-01T00:00:00Z" }, ["blueprint-owner"]],
  ])("takes a Franchisee for a tenant %s or not", async (_, term, rules) => {
    expect(await reviewer({ franchises: [granted(term)] }).rulesOf(newBlueprint)).toEqual(rules);
  });

  it.each([
    ["a private one", blueprint("other", "catalog-sovereign", "private"), ["blueprint-grant"]],
    ["no listed one", blueprint("other", "catalog-sovereign", "listed"), []],
    ["no Blueprint of another namespace", blueprint("other", "catalog", "private"), []],
  ])("counts %s against the grant", async (_, existing, rules) => {
    const { rulesOf } = reviewer({ franchises: [granted()], blueprints: [existing] });
    expect(await rulesOf(newBlueprint)).toEqual(rules);
  });

  it.each([
    ["its owner", "owner", [], []],
    ["a member by name", "member", [], []],
    ["a member by group", "any", ["team"], []],
    ["a member of another Organization", "stranger", [], ["organization-namespace"]],
    ["a user without groups", "any", [], ["organization-namespace"]],
    ["a ServiceAccount of the Organization", "system:serviceaccount:shop:deployer", [], []],
    [
      "a ServiceAccount of another namespace",
      "system:serviceaccount:x:deployer",
      [],
      ["organization-namespace"],
    ],
  ])("lets %s work in an Organization's namespace or not", async (_, username, groups, rules) => {
    const [shop, other] = [organization("shop"), organization("other")];
    const members = [
      { kind: "User" as const, name: "member" },
      { kind: "Group" as const, name: "team" },
    ];
    const { rulesOf } = reviewer({
      organizations: [
        { ...shop, spec: { ...shop.spec, members } },
        { ...other, spec: { ...other.spec, owner: "stranger" } },
      ],
      namespaces: { shop: { [`${GROUP}/organization`]: "shop" } },
    });
    expect(await rulesOf(creation({ user: { username, groups } }))).toEqual(rules);
  });
});

describe("enforcement", () => {
  it("receives the request, the class of its sender and the verdict of rules and signatures, and answers", async () => {
    const seen: unknown[] = [];
    const answered = verdict({ warnings: ["was judged"] });
    const enforce: Enforcer = (input, identity, { violations }) => {
      seen.push([input.resource, identity, violations.map(({ rule }) => rule)]);
      return answered;
    };
    const { review } = reviewer({ franchises: [granted()], enforce });
    expect(await review(pod(NEXT_IMAGE))).toBe(answered);
    expect(await review(pod("nginx"))).toBe(answered);
    expect(await review({ ...pod(IMAGE), user: { username: "tenant", groups: [] } })).toBe(answered);
    expect(seen).toEqual([
      ["pods", "franchisee", ["image-signature"]],
      ["pods", "franchisee", ["image-digest"]],
      ["pods", "tenant", []],
    ]);
  });
});
