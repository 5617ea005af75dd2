import { describe, expect, it } from "vitest";
import { createReviewer, MalformedReview, parseReview, reviewAnswer } from "../../../src/admission/review.ts";
import { type AdmissionInput, type Artifact, DEFAULT_PLATFORM } from "../../../src/admission/rules/input.ts";
import type { TrustVerdict } from "../../../src/admission/trust-policy.ts";
import type { Blueprint } from "../../../src/api/blueprint.ts";
import type { Franchise } from "../../../src/api/franchise.ts";
import type { Organization } from "../../../src/api/organization.ts";
import { creation, deletion, GROUP, memberOf, request } from "../../support/builder/admission-request.ts";
import { franchise, IMAGE, NEXT_IMAGE } from "../../support/builder/catalyst-object.ts";

const NOW = "2026-06-01T00:00:00Z";
const ANSWERS: Record<string, TrustVerdict> = {
  [IMAGE]: { kind: "verified", digest: "sha256:a", by: "key" },
  [NEXT_IMAGE]: { kind: "refused", reason: "next is not signed" },
};

/** A reviewer of a cluster, and the artifacts that it had checked, with the Franchises that could vouch for them. */
function reviewer({
  franchises = [] as Franchise[],
  organizations = [] as Organization[],
  blueprints = [] as Blueprint[],
  namespaces = {} as Record<string, Record<string, string>>,
} = {}) {
  const checked: [Artifact, string[]][] = [];
  const review = createReviewer({
    lookups: {
      franchises: () => franchises,
      organizations: () => organizations,
      blueprints: () => blueprints,
      namespaceLabels: (name) => namespaces[name],
    },
    checkArtifact: async (artifact, acting) => {
      checked.push([artifact, acting.map(({ metadata }) => metadata.name)]);
      return (
        ANSWERS[artifact.reference] ?? { kind: "allowed", digest: "sha256:a", registry: "registry.test" }
      );
    },
    platform: DEFAULT_PLATFORM,
    now: () => new Date(NOW),
  });
  return {
    review,
    checked,
    rulesOf: async (input: AdmissionInput) => (await review(input)).map(({ rule }) => rule),
  };
}

const granted = (term?: Franchise["spec"]["term"]): Franchise => {
  const { spec, ...rest } = franchise("omantel", term);
  return { ...rest, spec: { ...spec, grants: { branding: true, privateBlueprints: { max: 1 } } } };
};
const blueprint = (
  name: string,
  namespace: string,
  visibility: Blueprint["spec"]["visibility"],
): Blueprint => ({
  apiVersion: `${GROUP}/v1alpha1`,
  kind: "Blueprint",
  metadata: { name, namespace },
  spec: { version: "1.0.0", source: { ref: `oci://${IMAGE}` }, visibility, card: { title: name } },
});
const newBlueprint = creation({
  group: GROUP,
  resource: "blueprints",
  namespace: "catalog-sovereign",
  object: { spec: { visibility: "private", source: { ref: `oci://${IMAGE}` } } },
});
const pod = (...images: string[]) =>
  creation({ resource: "pods", object: { spec: { containers: images.map((image) => ({ image })) } } });

describe("a review", () => {
  it("checks each artifact of a request that passes the rules, and denies those that are refused", async () => {
    const { review, checked } = reviewer();
    expect(await review(pod(IMAGE, NEXT_IMAGE, "registry.test/a@sha256:".padEnd(87, "0")))).toEqual([
      { rule: "image-signature", path: "spec.containers[1].image", message: "next is not signed" },
    ]);
    expect(checked.map(([{ reference }]) => reference)).toEqual([
      IMAGE,
      NEXT_IMAGE,
      "registry.test/a@sha256:".padEnd(87, "0"),
    ]);
  });

  it("checks no artifact of a request that the rules deny", async () => {
    const { rulesOf, checked } = reviewer();
    expect(await rulesOf(pod(IMAGE, "nginx"))).toEqual(["image-digest"]);
    expect(checked).toEqual([]);
  });

  it("lets a Franchisee's Franchises vouch for its artifacts, and no Franchise for a tenant's", async () => {
    const { review, checked } = reviewer({ franchises: [granted()] });
    expect(await review(newBlueprint)).toEqual([]);
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
    ["no one of another namespace", blueprint("other", "catalog", "private"), []],
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
  ])("lets %s work in an Organization's namespace or not", async (_, username, groups, rules) => {
    const [shop] = memberOf("shop");
    const [other] = memberOf("other");
    if (shop === undefined || other === undefined) throw new Error("no Organization");
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

describe("the labels of a namespace", () => {
  const owned = { [`${GROUP}/organization`]: "shop" };
  const owners = { metadata: { ownerReferences: [{ kind: "ConfigMap", name: "a" }] } };

  it.each<[string, AdmissionInput, string[]]>([
    ["are looked up for an object in it", creation(), ["organization-namespace"]],
    ["are none for a namespace that is not known", creation({ namespace: "unknown" }), []],
    ["are none for a cluster-scoped object", creation({ namespace: "", resource: "nodes" }), []],
    [
      "are those before the change for the namespace itself",
      request({
        resource: "namespaces",
        name: "other",
        namespace: "",
        oldObject: { metadata: { labels: owned } },
        object: { metadata: { labels: owned, ...owners.metadata } },
      }),
      ["owner-reference"],
    ],
    [
      "are looked up for a namespace that comes without its old object",
      creation({ resource: "namespaces", name: "shop", namespace: "", object: owners }),
      ["owner-reference"],
    ],
    [
      "are none for a new namespace",
      creation({ resource: "namespaces", name: "new", namespace: "", object: owners }),
      [],
    ],
    [
      "are not those that a user gives a new namespace",
      deletion({ resource: "namespaces", name: "new", namespace: "", oldObject: {} }),
      [],
    ],
  ])("%s", async (_, input, rules) => {
    expect(await reviewer({ namespaces: { shop: owned } }).rulesOf(input)).toEqual(rules);
  });
});

describe("parseReview", () => {
  const body = (change: object = {}) => ({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "1",
      operation: "UPDATE",
      resource: { group: "apps", version: "v1", resource: "deployments" },
      subResource: "scale",
      name: "x",
      namespace: "shop",
      userInfo: { username: "a", groups: ["b", 1] },
      object: { kind: "Scale" },
      oldObject: { kind: "Scale", spec: 1 },
      ...change,
    },
  });

  it("reads every field", () => {
    expect(parseReview(body())).toEqual({
      uid: "1",
      input: {
        operation: "UPDATE",
        group: "apps",
        resource: "deployments",
        subresource: "scale",
        name: "x",
        namespace: "shop",
        user: { username: "a", groups: ["b", "1"] },
        object: { kind: "Scale" },
        oldObject: { kind: "Scale", spec: 1 },
      },
    });
  });

  it("reads what may be missing as empty", () => {
    expect(
      parseReview({ request: { uid: "1", operation: "CONNECT", resource: {}, userInfo: {}, object: null } }),
    ).toEqual({
      uid: "1",
      input: {
        operation: "CONNECT",
        group: "",
        resource: "",
        subresource: "",
        name: "",
        namespace: "",
        user: { username: "", groups: [] },
        object: undefined,
        oldObject: undefined,
      },
    });
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["text", "AdmissionReview"],
    ["no request", {}],
    ["a request that is a list", { request: [] }],
    ["no uid", body({ uid: undefined })],
    ["a uid that is no text", body({ uid: 1 })],
    ["no resource", body({ resource: "pods" })],
    ["no user", body({ userInfo: null })],
  ])("refuses %s", (_, given) => {
    expect(() => parseReview(given)).toThrow(
      new MalformedReview("the body must be an AdmissionReview of admission.k8s.io/v1"),
    );
  });

  it.each([undefined, "PATCH", "create", 1])("refuses the operation %s", (operation) => {
    expect(() => parseReview(body({ operation }))).toThrow(
      new MalformedReview("request.operation must be one of CREATE, UPDATE, DELETE, CONNECT"),
    );
  });

  it.each(["CREATE", "UPDATE", "DELETE", "CONNECT"])("accepts the operation %s", (operation) => {
    expect(parseReview(body({ operation })).input.operation).toBe(operation);
  });
});

describe("reviewAnswer", () => {
  it("allows without violations", () => {
    expect(reviewAnswer("1", [])).toEqual({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: { uid: "1", allowed: true },
    });
  });

  it("denies with every violation, as text and as causes", () => {
    expect(
      reviewAnswer("1", [
        { rule: "image-digest", path: "spec.a", message: "write a digest" },
        { rule: "helm-release", path: "spec.b", message: "remove it" },
      ]),
    ).toEqual({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: {
        uid: "1",
        allowed: false,
        status: {
          status: "Failure",
          code: 403,
          reason: "Forbidden",
          message: "image-digest: spec.a: write a digest; helm-release: spec.b: remove it",
          details: {
            causes: [
              { reason: "image-digest", field: "spec.a", message: "write a digest" },
              { reason: "helm-release", field: "spec.b", message: "remove it" },
            ],
          },
        },
      },
    });
  });
});
