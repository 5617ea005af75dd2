import { describe, expect, it } from "vitest";
import type { Enforcer } from "../../../src/admission/enforcement.ts";
import { createFactCollector, ORGANIZATION_INDEXES } from "../../../src/admission/fact-collector.ts";
import { createReviewer } from "../../../src/admission/review.ts";
import type { Artifact } from "../../../src/admission/rules/fact.ts";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import type {
  AdmissionInput,
  NamespaceSelection,
  ReviewedObject,
} from "../../../src/admission/rules/request.ts";
import type { TrustVerdict } from "../../../src/admission/trust-policy.ts";
import type { Blueprint } from "../../../src/api/blueprint.ts";
import type { Franchise } from "../../../src/api/franchise.ts";
import type { Organization } from "../../../src/api/organization.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { creation, GROUP, NO_READS, request, verdict } from "../../support/builder/admission-request.ts";
import { franchise, IMAGE, NEXT_IMAGE, sovereign } from "../../support/builder/catalyst-object.ts";

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
  sovereigns = [] as Sovereign[],
  namespaces = { shop: {} } as Record<string, Record<string, string>>,
  live = {} as Record<string, Record<string, string>>,
  repositories = {} as Record<string, ReviewedObject>,
  enforce = ((_input, _identity, given) => given) as Enforcer,
  judged = verdict(),
  checksAll = false,
} = {}) {
  const checked: [Artifact, string[]][] = [];
  const review = createReviewer({
    ...{ checksAll, judgeInstall: async () => judged },
    collectFacts: createFactCollector({
      lookups: {
        franchises: () => franchises,
        organization: (name) => organizations.find(({ metadata }) => metadata.name === name),
        organizationsBy: (index, key) =>
          organizations.filter((it) => ORGANIZATION_INDEXES[index](it).includes(key)),
        blueprints: () => blueprints,
        sovereigns: () => sovereigns,
        namespaceLabels: (name) => namespaces[name],
        readNamespaceLabels: async (name) => live[name],
        readOciRepository: async ({ namespace, name }) => repositories[`${namespace}/${name}`],
        ...NO_READS,
      },
      lists: identityLists(),
      now: () => new Date(NOW),
    }),
    enforce,
    checkArtifact: async (artifact, acting) => {
      checked.push([artifact, acting.map(({ metadata }) => metadata.name)]);
      return (
        ANSWERS[artifact.reference] ?? { kind: "allowed", digest: "sha256:a", registry: "registry.test" }
      );
    },
  });
  return {
    review,
    checked,
    rulesOf: async (input: AdmissionInput) => (await review(input)).violations.map(({ rule }) => rule),
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
  spec: {
    version: "1.0.0",
    source: { ref: `oci://${IMAGE}` },
    visibility,
    franchise: "omantel",
    card: { title: name },
  },
});
const organization = (name: string): Organization => ({
  apiVersion: `${GROUP}/v1alpha1`,
  kind: "Organization",
  metadata: { name },
  spec: { displayName: name, owner: "owner", sovereign: "omantel" },
});
const newBlueprint = creation({
  group: GROUP,
  resource: "blueprints",
  namespace: "catalog-sovereign",
  object: { spec: { visibility: "private", franchise: "omantel", source: { ref: `oci://${IMAGE}` } } },
});
const pod = (...images: string[]) =>
  creation({ resource: "pods", object: { spec: { containers: images.map((image) => ({ image })) } } });

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

  describe("that checks everything, as Audit wants", () => {
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

describe("the place of a request", () => {
  const owned = { [`${GROUP}/organization`]: "shop" };

  it.each<[string, AdmissionInput, string[]]>([
    ["comes from the cache", creation(), ["organization-namespace"]],
    [
      "is read from the API server when the cache does not have it",
      creation({ namespace: "fresh" }),
      ["organization-namespace"],
    ],
    [
      "is unknown when the API server does not have it either",
      creation({ namespace: "gone" }),
      ["unknown-namespace"],
    ],
    [
      "is cluster scope without a namespace",
      creation({ namespace: "", resource: "nodes" }),
      ["cluster-scope"],
    ],
    [
      "is by the labels before the change for the namespace itself",
      request({
        resource: "namespaces",
        name: "other",
        namespace: "other",
        oldObject: { metadata: { labels: owned } },
        object: { metadata: {} },
      }),
      ["namespace-guarded"],
    ],
    [
      "needs no labels for a new namespace",
      creation({ resource: "namespaces", name: "new", namespace: "new" }),
      [],
    ],
  ])("%s", async (_, input, rules) => {
    expect(await reviewer({ namespaces: { shop: owned }, live: { fresh: owned } }).rulesOf(input)).toEqual(
      rules,
    );
  });
});

describe("those who may vouch", () => {
  const repository = (username: string, namespace = "shop") =>
    creation({
      group: "source.toolkit.fluxcd.io",
      resource: "ocirepositories",
      namespace,
      user: { username, groups: [] },
      object: { spec: { url: "oci://registry.test/a", ref: { digest: `sha256:${"0".repeat(64)}` } } },
    });
  const cluster = {
    franchises: [granted()],
    organizations: [organization("acme")],
    sovereigns: [sovereign("omantel", { role: "Franchised", franchise: "omantel" })],
    namespaces: {
      shop: {},
      "acme-dev": { [`${GROUP}/organization`]: "acme", [`${GROUP}/environment`]: "dev" },
    },
  };

  it.each([
    ["the Franchisee's own Franchises", repository("omantel-admin"), ["omantel"]],
    [
      "the Franchise of the Organization's Sovereign for a member",
      repository("owner", "acme-dev"),
      ["omantel"],
    ],
    ["no Franchise for a tenant in an ordinary namespace", repository("owner"), []],
  ])("are %s", async (_, input, names) => {
    const { review, checked } = reviewer(cluster);
    expect(await review(input)).toEqual(verdict());
    expect(checked.map(([, acting]) => acting)).toEqual([names]);
  });
});

describe("hosts and accounts of others", () => {
  it("are known from Sovereigns, Franchises and Organizations", async () => {
    const { spec, ...rest } = granted();
    const account = (name: string) => ({ kind: "ServiceAccount" as const, name, namespace: "shop" });
    const { rulesOf } = reviewer({
      franchises: [{ ...rest, spec: { ...spec, subjects: [account("seller")] } }],
      organizations: [
        { ...organization("acme"), spec: { ...organization("acme").spec, members: [account("robot")] } },
      ],
      sovereigns: [sovereign("omantel", { role: "SelfHosted" })],
    });
    const token = (name: string, username = "eve") =>
      creation({ resource: "serviceaccounts", subresource: "token", name, user: { username, groups: [] } });
    expect(await rulesOf(token("seller"))).toEqual(["service-account-identity"]);
    expect(await rulesOf(token("robot"))).toEqual(["service-account-identity"]);
    expect(await rulesOf(token("robot", "owner"))).toEqual([]);
    expect(await rulesOf(token("seller", "system:serviceaccount:shop:seller"))).toEqual([]);
    expect(await rulesOf(token("web"))).toEqual([]);
    const ingress = (host: string) =>
      creation({
        group: "networking.k8s.io",
        resource: "ingresses",
        object: { spec: { rules: [{ host }] } },
      });
    expect(await rulesOf(ingress(sovereign("omantel", { role: "SelfHosted" }).spec.fqdn))).toEqual([
      "sovereign-host",
    ]);
    expect(await rulesOf(ingress("shop.example"))).toEqual([]);
  });
});

describe("a namespace whose labels changed a moment ago", () => {
  const owned = { [`${GROUP}/organization`]: "acme" };
  const configMap = (selected?: NamespaceSelection) =>
    creation({
      ...{ resource: "configmaps", namespace: "shop", user: { username: "eve", groups: [] } },
      ...(selected === undefined ? {} : { selected }),
    });

  it.each<[string, object, object, NamespaceSelection | undefined, string[]]>([
    ["the cache has no label yet", {}, owned, "organization", ["organization-namespace"]],
    ["the API server and the cache agree", owned, {}, "organization", ["organization-namespace"]],
    ["only the cache has the label", owned, {}, "ordinary", []],
    ["only the API server has the label", {}, {}, "organization", []],
    ["the path does not tell", {}, owned, undefined, []],
  ])("is judged by its present labels when %s", async (_, cached, live, selected, rules) => {
    const { rulesOf } = reviewer({ namespaces: { shop: { ...cached } }, live: { shop: { ...live } } });
    expect(await rulesOf(configMap(selected))).toEqual(rules);
  });

  it("is unknown when it is gone", async () => {
    const { rulesOf } = reviewer({ namespaces: { shop: owned } });
    expect(await rulesOf(configMap("ordinary"))).toEqual(["unknown-namespace"]);
  });
});

describe("the namespaces of others", () => {
  const labelled = (organization: string) => ({ [`${GROUP}/organization`]: organization });
  const { rulesOf } = reviewer({
    organizations: [
      organization("acme"),
      { ...organization("globex"), spec: { ...organization("globex").spec, owner: "basim" } },
    ],
    namespaces: {
      ...{ shop: {}, bazaar: {}, "org-acme": labelled("acme"), "org-globex": labelled("globex") },
      ...{ omantel: { [`${GROUP}/sovereign`]: "omantel" } },
    },
  });
  it.each([
    ["the same namespace", "shop", []],
    ["an ordinary namespace", "bazaar", []],
    ["a namespace that does not exist", "nowhere", []],
    ["the requester's Organization", "org-acme", []],
    ["another Organization", "org-globex", ["service-address"]],
    ["a Sovereign", "omantel", ["service-address"]],
    ["the platform", "kube-system", ["service-address"]],
    ["a controller", "cert-manager", ["service-address"]],
    ["a reserved name", "sovereign-next", ["service-address"]],
    ["an environment to come", "globex-prod", ["service-address"]],
  ])("are known when a Service names %s", async (_, name, rules) => {
    const input = creation({
      resource: "services",
      user: { username: "owner", groups: [] },
      object: { spec: { type: "ExternalName", externalName: `app.${name}.svc` } },
    });
    expect(await rulesOf(input)).toEqual(rules);
  });
});

describe("the chart of a HelmRelease", () => {
  const [repository, digest] = [IMAGE.split("@")[0] ?? "", IMAGE.split("@")[1] ?? ""];
  const [, unsigned] = NEXT_IMAGE.split("@");
  const source = (ref: object) => ({ spec: { url: `oci://${repository}`, ref } });
  const release = (change: Partial<AdmissionInput> = {}) =>
    creation({
      ...{ group: "helm.toolkit.fluxcd.io", resource: "helmreleases" },
      object: { spec: { chartRef: { kind: "OCIRepository", name: "app" }, serviceAccountName: "robot" } },
      ...change,
    });
  const repositories = { "shop/app": source({ digest }) };

  it("is the artifact of its OCIRepository, and is checked again", async () => {
    const { review, checked } = reviewer({ repositories });
    expect(await review(release())).toEqual(verdict());
    expect(checked.map(([artifact]) => artifact)).toEqual([
      { reference: `oci://${IMAGE}`, use: { kind: "chart" } },
    ]);
  });

  it("is refused when its signature does not hold any more", async () => {
    const [name = ""] = NEXT_IMAGE.split("@");
    const { review } = reviewer({
      repositories: { "shop/app": { spec: { url: name, ref: { digest: unsigned } } } },
    });
    expect((await review(release())).violations).toEqual([
      { rule: "oci-repository-signature", path: "spec.chartRef.name", message: "next is not signed" },
    ]);
  });

  it("is refused when its OCIRepository names no digest", async () => {
    const { review } = reviewer({ repositories: { "shop/app": source({ tag: "1.0.0" }) } });
    expect((await review(release())).violations).toEqual([
      {
        rule: "helm-release",
        path: "spec.chartRef.name",
        message:
          "the OCIRepository must name its artifact by digest: set its spec.ref.digest to sha256:<64 hex>",
      },
    ]);
  });

  it("may come later: its OCIRepository is judged when it is made", async () => {
    const { review, checked } = reviewer();
    expect(await review(release())).toEqual(verdict());
    expect(checked).toEqual([]);
  });

  it("is not read for a deletion or for the platform", async () => {
    const { review, checked } = reviewer({ repositories });
    const platform = { username: "ops", groups: ["catalyst:platform"] };
    await review(release({ operation: "DELETE", object: undefined }));
    await review(release({ user: platform }));
    expect(checked).toEqual([]);
  });
});
