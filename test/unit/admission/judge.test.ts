import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AdmissionInput,
  type ClusterFacts,
  DEFAULT_PLATFORM,
  type Requester,
  type ReviewedObject,
} from "../../../src/admission/rules/input.ts";
import { classify } from "../../../src/admission/rules/requester.ts";
import { judge, signatureDemands } from "../../../src/admission/rules/rule-list.ts";
import { isInTerm } from "../../../src/api/term.ts";
import { franchise, IMAGE, sovereign } from "../../support/builder/catalyst-object.ts";

const GROUP = "catalyst.openova.io";
const omantel = franchise("omantel");
const FRANCHISEE: Requester = {
  kind: "franchisee",
  franchises: [
    {
      ...omantel,
      spec: {
        ...omantel.spec,
        grants: { branding: true, tiers: ["starter"], privateBlueprints: { max: 1 } },
      },
    },
  ],
  isPipeline: false,
};
const TENANT: Requester = { kind: "tenant", isPipeline: false };

const facts = (change: Partial<ClusterFacts> = {}): ClusterFacts => ({
  requester: FRANCHISEE,
  namespaceLabels: {},
  memberships: [],
  privateBlueprints: [],
  platform: DEFAULT_PLATFORM,
  ...change,
});

const request = (change: Partial<AdmissionInput>): AdmissionInput => ({
  operation: "UPDATE",
  group: "",
  resource: "configmaps",
  subresource: "",
  name: "x",
  namespace: "shop",
  user: { username: "omantel-admin", groups: [] },
  object: {},
  oldObject: {},
  ...change,
});

const says = (input: AdmissionInput, given = facts()) =>
  judge(input, given).map(({ rule, path }) => `${rule} ${path}`);
const own = sovereign("omantel", {
  role: "Franchised",
  franchise: "omantel",
  tiers: [{ id: "old", name: "Old", priceBaisa: 1 }],
});
const edited = (edit: object): ReviewedObject => ({ ...own, spec: { ...own.spec, ...edit } }) as never;
const onSovereign = (edit: object, change: Partial<AdmissionInput> = {}) =>
  request({
    group: GROUP,
    resource: "sovereigns",
    name: "omantel",
    namespace: "",
    oldObject: own as never,
    object: edited(edit),
    ...change,
  });
const blueprint = (spec: object): ReviewedObject => ({ kind: "Blueprint", metadata: { name: "shop" }, spec });
const pod = (image: string): ReviewedObject => ({
  kind: "Pod",
  spec: { containers: [{ name: "a", image }] },
});

describe("what is denied, with rule and field", () => {
  it.each<[string, AdmissionInput, ClusterFacts, string[]]>([
    [
      "a CRD",
      request({
        group: "apiextensions.k8s.io",
        resource: "customresourcedefinitions",
        name: "sovereigns.catalyst.openova.io",
        namespace: "",
        object: { metadata: { labels: { a: "b" } } },
      }),
      facts(),
      ["crd-platform-only metadata.labels"],
    ],
    [
      "an APIService of the group",
      request({
        operation: "CREATE",
        group: "apiregistration.k8s.io",
        resource: "apiservices",
        namespace: "",
        object: { spec: { group: GROUP } },
      }),
      facts(),
      ["apiservice-platform-group spec.group"],
    ],
    [
      "another digest in a BillingRelease",
      request({
        group: GROUP,
        resource: "billingreleases",
        name: "stable",
        namespace: "",
        oldObject: { spec: { image: "a" } },
        object: { spec: { image: "b" } },
      }),
      facts(),
      ["platform-kind spec.image"],
    ],
    [
      "deleting an EnvironmentPolicy",
      request({
        operation: "DELETE",
        group: GROUP,
        resource: "environmentpolicies",
        name: "p",
        namespace: "catalyst-system",
        object: undefined,
      }),
      facts(),
      ["platform-kind environmentpolicies/p", "system-namespace environmentpolicies/p"],
    ],
    [
      "the rest of its Sovereign",
      onSovereign({ fqdn: "other.example" }),
      facts(),
      ["sovereign-field spec.fqdn"],
    ],
    [
      "a tier that is not granted",
      onSovereign({ tiers: [{ id: "gold" }] }),
      facts(),
      ["sovereign-tier-grant spec.tiers[gold]"],
    ],
    [
      "somebody else's Sovereign",
      onSovereign({ branding: { displayName: "Mine" } }),
      facts({ requester: TENANT }),
      ["sovereign-field spec.branding"],
    ],
    [
      "a Sovereign's status",
      onSovereign({}, { subresource: "status" }),
      facts(),
      ["sovereign-field sovereigns/omantel"],
    ],
    [
      "a Blueprint that is not private",
      request({
        operation: "CREATE",
        group: GROUP,
        resource: "blueprints",
        namespace: "catalog-sovereign",
        object: blueprint({ visibility: "listed" }),
      }),
      facts(),
      ["blueprint-visibility spec.visibility"],
    ],
    [
      "a Blueprint in the public catalog",
      request({
        operation: "CREATE",
        group: GROUP,
        resource: "blueprints",
        namespace: "catalog",
        object: blueprint({ visibility: "private" }),
      }),
      facts(),
      ["blueprint-namespace metadata.namespace", "catalog-namespace blueprints/x"],
    ],
    [
      "one Blueprint too many",
      request({
        operation: "CREATE",
        group: GROUP,
        resource: "blueprints",
        name: "second",
        namespace: "catalog-sovereign",
        object: blueprint({ visibility: "private" }),
      }),
      facts({ privateBlueprints: [{ metadata: { name: "first" } }] as never }),
      ["blueprint-grant spec.visibility"],
    ],
    [
      "anything in a Sovereign's namespace",
      request({ operation: "CREATE", resource: "pods", object: pod(IMAGE) }),
      facts({ namespaceLabels: { [`${GROUP}/sovereign`]: "omantel" } }),
      ["sovereign-namespace pods/x"],
    ],
    [
      "a managed object anywhere",
      request({
        oldObject: {
          kind: "ConfigMap",
          data: {},
          metadata: { labels: { [`${GROUP}/managed-by`]: "operator" } },
        },
        object: {
          kind: "ConfigMap",
          data: { a: "1" },
          metadata: { labels: { [`${GROUP}/managed-by`]: "operator" } },
        },
      }),
      facts(),
      ["managed-object data.a"],
    ],
    [
      "a platform label",
      request({ object: { metadata: { labels: { [`${GROUP}/organization`]: "mine" } } } }),
      facts(),
      [`platform-label metadata.labels[${GROUP}/organization]`],
    ],
    [
      "evidence",
      request({ object: { metadata: { annotations: { [`${GROUP}/score`]: "100" } } } }),
      facts(),
      [`evidence-pipeline-only metadata.annotations[${GROUP}/score]`],
    ],
    [
      "exec into a tenant's Pod",
      request({ operation: "CONNECT", resource: "pods", subresource: "exec", oldObject: undefined }),
      facts({ namespaceLabels: { [`${GROUP}/organization`]: "shop" } }),
      ["organization-namespace pods/x/exec"],
    ],
    [
      "an image by tag",
      request({ operation: "CREATE", resource: "pods", object: pod("nginx:1") }),
      facts(),
      ["image-digest spec.containers[0].image"],
    ],
    [
      "an ephemeral container by tag",
      request({
        resource: "pods",
        subresource: "ephemeralcontainers",
        oldObject: pod(IMAGE),
        object: {
          ...pod(IMAGE),
          spec: { containers: [{ image: IMAGE }], ephemeralContainers: [{ image: "busybox" }] },
        },
      }),
      facts(),
      ["image-digest spec.ephemeralContainers[0].image"],
    ],
    [
      "a CronJob's image by tag",
      request({
        operation: "CREATE",
        group: "batch",
        resource: "cronjobs",
        object: { spec: { jobTemplate: { spec: { template: { spec: { containers: [{ image: "a" }] } } } } } },
      }),
      facts(),
      ["image-digest spec.jobTemplate.spec.template.spec.containers[0].image"],
    ],
    [
      "a GitRepository",
      request({ operation: "CREATE", group: "source.toolkit.fluxcd.io", resource: "gitrepositories" }),
      facts(),
      ["install-road gitrepositories/x"],
    ],
    [
      "an OCIRepository by tag",
      request({
        operation: "CREATE",
        group: "source.toolkit.fluxcd.io",
        resource: "ocirepositories",
        object: { spec: { url: "oci://a.example/b", ref: { tag: "1" } } },
      }),
      facts(),
      ["oci-repository-digest spec.ref.digest"],
    ],
    [
      "a HelmRelease elsewhere with other images",
      request({
        operation: "CREATE",
        group: "helm.toolkit.fluxcd.io",
        resource: "helmreleases",
        object: {
          spec: {
            chartRef: { kind: "OCIRepository" },
            targetNamespace: "other",
            kubeConfig: {},
            values: { web: { image: "x" } },
          },
        },
      }),
      facts(),
      [
        "helm-release spec.targetNamespace",
        "helm-release spec.kubeConfig",
        "helm-release spec.values.web.image",
      ],
    ],
    [
      "a role that impersonates",
      request({
        operation: "CREATE",
        group: "rbac.authorization.k8s.io",
        resource: "roles",
        object: { rules: [{ verbs: ["impersonate"], resources: ["users"] }] },
      }),
      facts(),
      ["rbac-escalation rules[0].verbs"],
    ],
    [
      "a ClusterRoleBinding",
      request({
        operation: "CREATE",
        group: "rbac.authorization.k8s.io",
        resource: "clusterrolebindings",
        namespace: "",
      }),
      facts(),
      ["rbac-cluster-grant clusterrolebindings/x"],
    ],
    [
      "a token of the platform's",
      request({
        operation: "CREATE",
        resource: "serviceaccounts",
        subresource: "token",
        namespace: "kube-system",
      }),
      facts(),
      ["token-request serviceaccounts/x/token"],
    ],
  ])("%s", (_, input, given, expected) => expect(says(input, given)).toEqual(expected));
});

describe("what is allowed", () => {
  it.each<[string, AdmissionInput, ClusterFacts]>([
    [
      "branding and a granted tier",
      onSovereign({ branding: { displayName: "Omantel" }, tiers: [{ id: "starter" }, { id: "old" }] }),
      facts(),
    ],
    [
      "a private Blueprint",
      request({
        operation: "CREATE",
        group: GROUP,
        resource: "blueprints",
        namespace: "catalog-sovereign",
        object: blueprint({ visibility: "private", source: { ref: `oci://${IMAGE}` } }),
      }),
      facts(),
    ],
    [
      "a pinned image in its own namespace",
      request({ operation: "CREATE", resource: "pods", object: pod(IMAGE) }),
      facts(),
    ],
    [
      "a member's work, exec included",
      request({ operation: "CONNECT", resource: "pods", subresource: "exec" }),
      facts({
        requester: TENANT,
        namespaceLabels: { [`${GROUP}/organization`]: "shop" },
        memberships: [{ metadata: { name: "shop" } }] as never,
      }),
    ],
    [
      "the pipeline's evidence",
      request({ object: { metadata: { annotations: { [`${GROUP}/score`]: "100" } } } }),
      facts({ requester: { kind: "tenant", isPipeline: true } }),
    ],
  ])("%s", (_, input, given) => expect(says(input, given)).toEqual([]));

  it("asks for signatures of what is new, and lets the Franchise vouch for Blueprints alone", () => {
    const demands = (input: AdmissionInput) => signatureDemands(input, facts());
    expect(demands(request({ operation: "CREATE", resource: "pods", object: pod(IMAGE) }))).toEqual([
      { reference: IMAGE, path: "spec.containers[0].image", rule: "image-signature", byFranchise: false },
    ]);
    expect(demands(request({ resource: "pods", oldObject: pod(IMAGE), object: pod(IMAGE) }))).toEqual([]);
    const created = request({
      operation: "CREATE",
      group: GROUP,
      resource: "blueprints",
      object: blueprint({ source: { ref: `oci://${IMAGE}` } }),
    });
    expect(demands(created)).toEqual([
      { reference: IMAGE, path: "spec.source.ref", rule: "blueprint-signature", byFranchise: true },
    ]);
  });
});

describe("who is who", () => {
  const user = (username: string, ...groups: string[]) => ({ username, groups });
  it.each([
    [user("admin", "system:masters"), "platform"],
    [user("system:serviceaccount:catalyst-system:catalyst-operator"), "platform"],
    [user("system:serviceaccount:catalyst-system-evil:x"), "tenant"],
    [user("system:node:a", "system:nodes"), "machinery"],
    [user("system:kube-scheduler"), "machinery"],
    [user("omantel-admin"), "franchisee"],
    [user("somebody", "omantel:admins"), "tenant"],
  ])("%j is %s", (who, kind) => expect(classify(who, [omantel], DEFAULT_PLATFORM).kind).toBe(kind));

  it.each([
    ["2025-12-31T23:59:59Z", false],
    ["2026-01-01T00:00:00Z", true],
    ["2026-12-31T23:59:59Z", true],
    ["2027-01-01T00:00:00Z", false],
  ])("a term holds at %s: %s", (at, holds) => {
    expect(
      isInTerm(
        franchise("o", { start: "2026-01-01T00:00:00Z", end: "2027-01-01T00:00:00Z" }),
        Date.parse(at),
      ),
    ).toBe(holds);
  });

  it("lets nobody but the platform write the platform's kinds, whatever they send", () => {
    const kind = fc.constantFrom("billingreleases", "franchises", "environmentpolicies", "organizations");
    fc.assert(
      fc.property(
        kind,
        fc.constantFrom<Requester>(FRANCHISEE, TENANT),
        fc.jsonValue(),
        fc.jsonValue(),
        fc.boolean(),
        (resource, requester, before, after, isCreate) => {
          const input = request({
            operation: isCreate ? "CREATE" : "DELETE",
            group: GROUP,
            resource,
            object: { spec: after },
            oldObject: { spec: before },
          });
          expect(judge(input, facts({ requester })).length).toBeGreaterThan(0);
          expect(judge(input, facts({ requester: { kind: "platform" } }))).toEqual([]);
        },
      ),
    );
  });
});
