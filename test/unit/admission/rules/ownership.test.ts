import { describe, expect, it } from "vitest";
import type { ClusterFacts } from "../../../../src/admission/rules/input.ts";
import {
  creation,
  type Denial,
  deletion,
  expected,
  facts,
  GROUP,
  memberOf,
  request,
  TENANT,
  violationsOf,
} from "../../../support/builder/admission-request.ts";

const CRDS = { group: "apiextensions.k8s.io", resource: "customresourcedefinitions", namespace: "" };
const API_SERVICES = { group: "apiregistration.k8s.io", resource: "apiservices", namespace: "" };
const RELEASES = { group: GROUP, resource: "billingreleases", name: "stable", namespace: "" };
const labelled = (labels: Record<string, string>, rest: object = {}) => ({ metadata: { labels }, ...rest });
const annotated = (annotations: Record<string, string>) => ({ metadata: { annotations } });
const inNamespace = (labels: object): ClusterFacts =>
  facts({
    namespaceLabels: Object.fromEntries(
      Object.entries(labels).map(([name, value]) => [`${GROUP}/${name}`, value]),
    ),
  });
const platformKind = (kind: string, path: string) =>
  ["platform-kind", path, `only the platform may write ${kind}: ask OpenOva to make the change`] as const;
const platformLabel = (name: string) =>
  [
    "platform-label",
    `metadata.labels[${GROUP}/${name}]`,
    "only the platform may write this label: leave it unchanged",
  ] as const;
const notMember = (path: string) =>
  [
    "organization-namespace",
    path,
    "only members of its Organization may work in namespace shop: ask its owner for membership",
  ] as const;
const systemNamespace = (path: string) =>
  [
    "system-namespace",
    path,
    "namespace catalyst-system belongs to the platform: use your own namespace",
  ] as const;
const publicCatalog = (path: string) =>
  [
    "catalog-namespace",
    path,
    "namespace catalog mirrors the public catalog, and only the platform may write there: keep private Blueprints in catalog-sovereign",
  ] as const;
const CLAIMS_GROUP = [
  "apiservice-platform-group",
  "spec.group",
  `the API group ${GROUP} belongs to the platform: use another group`,
] as const;

describe("the rules for what the platform owns", () => {
  it.each<Denial>([
    [
      "an update of a CRD, field by field",
      request({
        ...CRDS,
        name: "sovereigns.catalyst.openova.io",
        oldObject: { spec: { versions: [] }, metadata: { labels: { a: "1" } } },
        object: { spec: { versions: [{}] }, metadata: { labels: { a: "2" } } },
      }),
      facts(),
      [
        "crd-platform-only",
        "metadata.labels.a",
        "only the platform may write CustomResourceDefinition sovereigns.catalyst.openova.io: ask OpenOva to make the change",
      ],
      [
        "crd-platform-only",
        "spec.versions",
        "only the platform may write CustomResourceDefinition sovereigns.catalyst.openova.io: ask OpenOva to make the change",
      ],
    ],
    [
      "a new CRD without a name",
      creation({ ...CRDS, name: "" }),
      facts(),
      [
        "crd-platform-only",
        "customresourcedefinitions/(new)",
        "only the platform may write CustomResourceDefinition (new): ask OpenOva to make the change",
      ],
    ],
    [
      "the status of a CRD, although nothing in it changes",
      request({ ...CRDS, subresource: "status" }),
      facts(),
      [
        "crd-platform-only",
        "customresourcedefinitions/x",
        "only the platform may write CustomResourceDefinition x: ask OpenOva to make the change",
      ],
    ],
    [
      "an APIService for the platform's group",
      creation({ ...API_SERVICES, object: { spec: { group: GROUP } } }),
      facts(),
      [...CLAIMS_GROUP],
    ],
    [
      "taking an APIService away from the platform's group",
      request({ ...API_SERVICES, oldObject: { spec: { group: GROUP } }, object: { spec: { group: "a" } } }),
      facts(),
      [...CLAIMS_GROUP],
    ],
    [
      "an APIService that has the platform's group only in its name",
      creation({ ...API_SERVICES, name: `v1.${GROUP}`, object: { kind: "APIService" } }),
      facts(),
      [...CLAIMS_GROUP],
    ],
    [
      "another digest in a BillingRelease",
      request({ ...RELEASES, oldObject: { spec: { image: "a" } }, object: { spec: { image: "b" } } }),
      facts(),
      [...platformKind("billingreleases", "spec.image")],
    ],
    [
      "a new Franchise",
      creation({ ...RELEASES, resource: "franchises" }),
      facts(),
      [...platformKind("franchises", "franchises/stable")],
    ],
    [
      "deleting an EnvironmentPolicy",
      deletion({ group: GROUP, resource: "environmentpolicies", namespace: "catalyst-system" }),
      facts(),
      [...platformKind("environmentpolicies", "environmentpolicies/x")],
      [...systemNamespace("environmentpolicies/x")],
    ],
    [
      "the members of an Organization",
      request({
        group: GROUP,
        resource: "organizations",
        namespace: "",
        object: { spec: { members: [] } },
      }),
      facts({ requester: TENANT }),
      [...platformKind("organizations", "spec")],
    ],
    [
      "an object in catalyst-system",
      creation({ namespace: "catalyst-system" }),
      facts(),
      [...systemNamespace("configmaps/x")],
    ],
    [
      "catalyst-system itself",
      deletion({ resource: "namespaces", name: "catalyst-system", namespace: "" }),
      facts(),
      [...systemNamespace("namespaces/catalyst-system")],
    ],
    [
      "an object in the public catalog",
      creation({ namespace: "catalog", name: "" }),
      facts(),
      [...publicCatalog("configmaps/(new)")],
    ],
    [
      "another object than a Blueprint in the private catalog",
      creation({ namespace: "catalog-sovereign" }),
      facts(),
      [
        "catalog-namespace",
        "configmaps/x",
        "namespace catalog-sovereign is only for private Blueprints: use your own namespace for other objects",
      ],
    ],
    [
      "another kind of the platform in the private catalog",
      creation({ namespace: "catalog-sovereign", resource: "environmentpolicies", group: GROUP }),
      facts(),
      [...platformKind("environmentpolicies", "environmentpolicies/x")],
      [
        "catalog-namespace",
        "environmentpolicies/x",
        "namespace catalog-sovereign is only for private Blueprints: use your own namespace for other objects",
      ],
    ],
    [
      "blueprints of another API group in the private catalog",
      creation({ namespace: "catalog-sovereign", resource: "blueprints", group: "example.com" }),
      facts(),
      [
        "catalog-namespace",
        "blueprints/x",
        "namespace catalog-sovereign is only for private Blueprints: use your own namespace for other objects",
      ],
    ],
    [
      "a Franchisee's Blueprint in the public catalog",
      creation({
        namespace: "catalog",
        resource: "blueprints",
        group: GROUP,
        object: { spec: { visibility: "private" } },
      }),
      facts(),
      [
        "blueprint-namespace",
        "metadata.namespace",
        "a Franchisee may keep Blueprints only in catalog-sovereign: use that namespace",
      ],
      [...publicCatalog("blueprints/x")],
    ],
    [
      "an update in a Sovereign's namespace",
      request({
        oldObject: { kind: "Secret", data: { a: "1" } },
        object: { kind: "Secret", data: { a: "2" } },
      }),
      inNamespace({ sovereign: "omantel" }),
      [
        "sovereign-namespace",
        "data.a",
        "the operator manages Secret x in namespace shop: change spec.branding, spec.tiers or spec.addons of the Sovereign instead",
      ],
    ],
    [
      "deleting an object in a Sovereign's namespace",
      deletion({ oldObject: { kind: "Secret" } }),
      inNamespace({ sovereign: "omantel" }),
      [
        "sovereign-namespace",
        "configmaps/x",
        "the operator manages Secret x in namespace shop: change spec.branding, spec.tiers or spec.addons of the Sovereign instead",
      ],
    ],
    [
      "exec in a Sovereign's namespace",
      request({ operation: "CONNECT", resource: "pods", name: "", subresource: "exec" }),
      inNamespace({ sovereign: "omantel" }),
      [
        "sovereign-namespace",
        "pods/(new)",
        "the operator manages pods (new) in namespace shop: change spec.branding, spec.tiers or spec.addons of the Sovereign instead",
      ],
    ],
    [
      "port-forward in a Sovereign's namespace, which has no object",
      request({
        operation: "CONNECT",
        resource: "pods",
        subresource: "portforward",
        object: undefined,
        oldObject: undefined,
      }),
      inNamespace({ sovereign: "omantel" }),
      [
        "sovereign-namespace",
        "pods/x",
        "the operator manages pods x in namespace shop: change spec.branding, spec.tiers or spec.addons of the Sovereign instead",
      ],
    ],
    [
      "a managed object in an ordinary namespace",
      request({
        oldObject: { kind: "ConfigMap", ...labelled({ [`${GROUP}/managed-by`]: "hub" }, { data: {} }) },
        object: {
          kind: "ConfigMap",
          ...labelled({ [`${GROUP}/managed-by`]: "hub" }, { data: { a: "1" } }),
        },
      }),
      facts(),
      [
        "managed-object",
        "data.a",
        "the hub manages ConfigMap x: change the Sovereign or Organization that it belongs to",
      ],
    ],
    [
      "deleting a managed object",
      deletion({ oldObject: { kind: "ConfigMap", ...labelled({ [`${GROUP}/managed-by`]: "operator" }) } }),
      facts(),
      [
        "managed-object",
        "configmaps/x",
        "the operator manages ConfigMap x: change the Sovereign or Organization that it belongs to",
      ],
    ],
    [
      "platform labels on a new object",
      creation({
        object: labelled({
          [`${GROUP}/organization`]: "a",
          [`${GROUP}/environment`]: "b",
          [`${GROUP}/sovereign`]: "c",
          [`${GROUP}/managed-by`]: "d",
          [`${GROUP}/other`]: "e",
        }),
      }),
      facts(),
      [...platformLabel("organization")],
      [...platformLabel("environment")],
      [...platformLabel("sovereign")],
      [...platformLabel("managed-by")],
    ],
    [
      "taking a platform label away",
      request({
        resource: "namespaces",
        namespace: "",
        oldObject: labelled({ [`${GROUP}/environment`]: "a" }),
      }),
      facts(),
      [...platformLabel("environment")],
    ],
    [
      "deleting a namespace with a platform label",
      deletion({
        resource: "namespaces",
        namespace: "",
        oldObject: labelled({ a: "b", [`${GROUP}/environment`]: "prod" }),
      }),
      facts(),
      [
        "platform-namespace",
        "namespaces/x",
        `only the platform may delete a namespace with the label ${GROUP}/environment: ask OpenOva to delete it`,
      ],
    ],
    [
      "deleting a namespace with two platform labels, of which it names the first",
      deletion({
        resource: "namespaces",
        namespace: "",
        oldObject: labelled({ [`${GROUP}/sovereign`]: "a", [`${GROUP}/organization`]: "b" }),
      }),
      facts(),
      [
        "platform-namespace",
        "namespaces/x",
        `only the platform may delete a namespace with the label ${GROUP}/organization: ask OpenOva to delete it`,
      ],
    ],
    [
      "evidence on a new object",
      creation({ object: annotated({ [`${GROUP}/score`]: "100", [`${GROUP}/approved-by`]: "me" }) }),
      facts(),
      [
        "evidence-pipeline-only",
        `metadata.annotations[${GROUP}/approved-by]`,
        "only the pipeline may write this annotation: leave it unchanged, and run the pipeline",
      ],
      [
        "evidence-pipeline-only",
        `metadata.annotations[${GROUP}/score]`,
        "only the pipeline may write this annotation: leave it unchanged, and run the pipeline",
      ],
    ],
    [
      "changing evidence",
      request({
        oldObject: annotated({ [`${GROUP}/score`]: "10" }),
        object: annotated({ [`${GROUP}/score`]: "100" }),
      }),
      facts({ requester: TENANT }),
      [
        "evidence-pipeline-only",
        `metadata.annotations[${GROUP}/score]`,
        "only the pipeline may write this annotation: leave it unchanged, and run the pipeline",
      ],
    ],
    [
      "work in an Organization's namespace by no member",
      deletion({ oldObject: undefined }),
      { ...inNamespace({ organization: "shop", sovereign: "omantel" }), memberships: memberOf("other") },
      [...notMember("configmaps/x")],
    ],
    [
      "exec into a tenant's Pod",
      request({ operation: "CONNECT", resource: "pods", subresource: "exec", oldObject: undefined }),
      inNamespace({ organization: "shop" }),
      [...notMember("pods/x/exec")],
    ],
  ])("deny %s", (_, input, known, ...violations) =>
    expect(violationsOf(input, known)).toEqual(expected(violations)),
  );

  it.each([
    [
      "objects with empty metadata",
      request({ object: { metadata: {} }, oldObject: { metadata: {} } }),
      facts(),
    ],
    ["a creation without its object", creation({ object: undefined }), facts()],
    [
      "a connection without objects",
      request({ operation: "CONNECT", object: undefined, oldObject: undefined }),
      facts(),
    ],
    [
      "a deletion of an object without metadata",
      deletion({ resource: "namespaces", oldObject: {} }),
      facts(),
    ],
    ["an update of a CRD that changes nothing", request({ ...CRDS, object: { status: { a: 1 } } }), facts()],
    ["the same resource of another API group", creation({ ...CRDS, group: "example.com" }), facts()],
    ["another resource of that API group", creation({ ...CRDS, resource: "conversions" }), facts()],
    [
      "an APIService for another group",
      creation({ ...API_SERVICES, object: { spec: { group: "example.com" } }, name: `v1.not${GROUP}` }),
      facts(),
    ],
    [
      "an object that names the platform's group, of another kind",
      creation({ ...API_SERVICES, resource: "others", object: { spec: { group: GROUP } } }),
      facts(),
    ],
    [
      "an APIService of another API group",
      creation({ ...API_SERVICES, group: "example.com", object: { spec: { group: GROUP } } }),
      facts(),
    ],
    ["organizations of another API group", creation({ ...RELEASES, group: "example.com" }), facts()],
    ["a resource with the name of the operator's namespace", creation({ name: "catalyst-system" }), facts()],
    [
      "deleting an object with a platform label",
      deletion({ oldObject: labelled({ [`${GROUP}/environment`]: "a" }) }),
      facts(),
    ],
    [
      "deleting an ordinary namespace",
      deletion({ resource: "namespaces", oldObject: labelled({ a: "b" }) }),
      facts(),
    ],
    [
      "cluster-scoped objects in view of a Sovereign's label",
      request({ resource: "namespaces", namespace: "", object: labelled({ a: "b" }) }),
      inNamespace({ sovereign: "omantel" }),
    ],
    [
      "a member's work, exec included, in a namespace that also has the Sovereign's label",
      request({ operation: "CONNECT", resource: "pods", subresource: "exec" }),
      { ...inNamespace({ organization: "shop", sovereign: "omantel" }), memberships: memberOf("shop") },
    ],
    [
      "annotations of an Organization's namespace, which rule platform-label and RBAC decide",
      request({ resource: "namespaces", namespace: "", object: annotated({ a: "b" }) }),
      inNamespace({ organization: "shop" }),
    ],
    [
      "the pipeline's evidence",
      creation({ object: annotated({ [`${GROUP}/score`]: "100" }) }),
      facts({ requester: { kind: "tenant", isPipeline: true } }),
    ],
    [
      "evidence that stays",
      request({
        oldObject: annotated({ [`${GROUP}/score`]: "1" }),
        object: { ...annotated({ [`${GROUP}/score`]: "1" }), data: {} },
      }),
      facts(),
    ],
    [
      "deleting an object with evidence",
      deletion({ oldObject: annotated({ [`${GROUP}/score`]: "1" }) }),
      facts(),
    ],
    [
      "another annotation of the platform",
      creation({ object: annotated({ [`${GROUP}/applied`]: "x" }) }),
      facts(),
    ],
  ])("allow %s", (_, input, known) => expect(violationsOf(input, known)).toEqual([]));

  it.each([
    ["a namespace", request({ resource: "namespaces", namespace: "" })],
    [
      "an object of the platform's group",
      request({ group: GROUP, resource: "blueprints", namespace: "catalog-sovereign" }),
    ],
  ])("do not call %s with the managed-by label a managed object", (_, input) => {
    const before = labelled({ [`${GROUP}/managed-by`]: "operator" });
    const rules = violationsOf({
      ...input,
      oldObject: before,
      object: { ...before, spec: { visibility: "private" } },
    });
    expect(rules).toEqual([]);
  });
});
