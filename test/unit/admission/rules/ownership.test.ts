import { describe, expect, it } from "vitest";
import {
  creation,
  type Denial,
  deletion,
  expected,
  facts,
  GROUP,
  placed,
  request,
  TENANT,
  violationsOf,
} from "../../../support/builder/admission-request.ts";

const label = (name: string) => `${GROUP}/${name}`;
const labelled = (labels: Record<string, string>, rest: object = {}) => ({ metadata: { labels }, ...rest });
const annotated = (annotations: Record<string, string>) => ({ metadata: { annotations } });
const SCORE = label("score");
const MANAGED = { [label("managed-by")]: "operator" };
const environment = facts({
  place: placed("shop-dev", { [label("organization")]: "shop", [label("environment")]: "dev" }),
  memberOf: new Set(["shop"]),
  identity: TENANT,
});
const platformKind = (kind: string, path: string) =>
  [
    "platform-kind",
    path,
    `only the platform may write ${kind}; ask the platform team to make the change`,
  ] as const;
const platformLabel = (name: string) =>
  [
    "platform-label",
    `metadata.labels[${label(name)}]`,
    "only the platform may write this label; leave it unchanged",
  ] as const;
const evidence = (name: string, parent = "metadata.annotations") =>
  [
    "evidence-pipeline-only",
    `${parent}[${label(name)}]`,
    "only the pipeline may write this annotation; leave it unchanged, and run the pipeline",
  ] as const;
const managed = (path: string, owner = "operator") =>
  [
    "managed-object",
    path,
    `the ${owner} manages this ConfigMap; change the Sovereign or Organization that it belongs to`,
  ] as const;
const controller = facts({
  identity: { kind: "controller", namespace: "ingress-nginx" },
  place: placed("sovereign-a", { [label("sovereign")]: "a" }),
});
const INGRESS = { group: "networking.k8s.io", resource: "ingresses", subresource: "status" };
const managedIngress = (annotations: Record<string, string>, status: object) => ({
  kind: "Ingress",
  metadata: { labels: MANAGED, annotations },
  status,
});
const revision = (path: string) =>
  [
    "workload-revision",
    path,
    "only Kubernetes' own controllers may write ControllerRevisions; change the StatefulSet or DaemonSet instead",
  ] as const;
const RELEASE = { group: GROUP, resource: "billingreleases", name: "stable", namespace: "" };
const REVISIONS = { group: "apps", resource: "controllerrevisions" };

describe("the rules for what the platform owns", () => {
  it.each<Denial>([
    [
      "another digest in a BillingRelease",
      request({ ...RELEASE, oldObject: { spec: { image: "a" } }, object: { spec: { image: "b" } } }),
      facts(),
      [...platformKind("billingreleases", "spec.image")],
    ],
    [
      "a new Franchise",
      creation({ ...RELEASE, resource: "franchises" }),
      facts(),
      [...platformKind("franchises", "franchises/stable")],
    ],
    [
      "the status of a Franchise",
      request({ ...RELEASE, resource: "franchises", subresource: "status" }),
      facts(),
      [...platformKind("franchises", "franchises/stable/status")],
    ],
    [
      "an EnvironmentPolicy in an ordinary namespace",
      creation({ group: GROUP, resource: "environmentpolicies" }),
      facts(),
      [...platformKind("environmentpolicies", "environmentpolicies/x")],
    ],
    [
      "a kind that the platform adds later",
      deletion({ group: GROUP, resource: "futures", namespace: "" }),
      facts(),
      [...platformKind("futures", "futures/x")],
    ],
    [
      "the members of an Organization",
      request({ group: GROUP, resource: "organizations", namespace: "", object: { spec: { members: [] } } }),
      facts({ identity: TENANT }),
      [...platformKind("organizations", "spec")],
    ],
    [
      "a managed object in an ordinary namespace",
      request({
        oldObject: { kind: "ConfigMap", ...labelled({ [label("managed-by")]: "hub" }, { data: {} }) },
        object: { kind: "ConfigMap", ...labelled({ [label("managed-by")]: "hub" }, { data: { a: "1" } }) },
      }),
      facts(),
      [...managed("data.a", "hub")],
    ],
    [
      "an apply that changes nothing of a managed object and would own its fields",
      request({ oldObject: { kind: "ConfigMap", ...labelled(MANAGED) }, object: labelled(MANAGED) }),
      environment,
      [...managed("kind")],
    ],
    [
      "the same with all members",
      request({
        oldObject: { kind: "ConfigMap", ...labelled(MANAGED) },
        object: { kind: "ConfigMap", ...labelled(MANAGED) },
      }),
      environment,
      [...managed("configmaps/x")],
    ],
    [
      "deleting a managed object",
      deletion({ oldObject: { kind: "ConfigMap", ...labelled(MANAGED) } }),
      facts(),
      [...managed("configmaps/x")],
    ],
    [
      "platform labels on a new object",
      creation({
        object: labelled({
          [label("organization")]: "a",
          [label("environment")]: "b",
          [label("sovereign")]: "c",
          [label("managed-by")]: "d",
          [label("other")]: "e",
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
      request({ oldObject: labelled({ [label("environment")]: "a" }) }),
      facts(),
      [...platformLabel("environment")],
    ],
    [
      "a platform label by way of a status",
      request({ resource: "pods", subresource: "status", object: labelled({ [label("sovereign")]: "a" }) }),
      facts(),
      [...platformLabel("sovereign")],
    ],
    [
      "evidence on a new object",
      creation({ object: annotated({ [SCORE]: "100", [label("approved-by")]: "me" }) }),
      environment,
      [...evidence("approved-by")],
      [...evidence("score")],
    ],
    [
      "changing evidence",
      request({ oldObject: annotated({ [SCORE]: "10" }), object: annotated({ [SCORE]: "100" }) }),
      environment,
      [...evidence("score")],
    ],
    [
      "evidence by way of a status",
      request({ resource: "deployments", subresource: "status", object: annotated({ [SCORE]: "100" }) }),
      environment,
      [...evidence("score")],
    ],
    [
      "evidence in a Pod template, which Pods would inherit",
      request({
        object: { spec: { template: annotated({ [SCORE]: "100" }) } },
        oldObject: { spec: { template: annotated({ [SCORE]: "10" }) } },
      }),
      environment,
      [...evidence("score", "spec.template.metadata.annotations")],
    ],
    [
      "evidence in a list of templates",
      creation({ object: { spec: { jobs: [{ metadata: {} }, annotated({ [SCORE]: "100" })] } } }),
      environment,
      [...evidence("score", "spec.jobs[1].metadata.annotations")],
    ],
    [
      "evidence in values of a chart",
      creation({ object: { spec: { values: { podAnnotations: { [label("approved-by")]: "me" } } } } }),
      environment,
      [...evidence("approved-by", "spec.values.podAnnotations")],
    ],
    [
      "evidence that is no text",
      creation({ object: { spec: { annotations: { [SCORE]: { a: 1 } } } } }),
      environment,
      [...evidence("score", "spec.annotations")],
    ],
    [
      "removing evidence",
      request({ oldObject: annotated({ [SCORE]: "10" }), object: annotated({}) }),
      environment,
      [...evidence("score")],
    ],
    [
      "an annotation that a controller adds to a managed object by the status",
      request({ ...INGRESS, oldObject: managedIngress({}, {}), object: managedIngress({ a: "b" }, {}) }),
      controller,
      [
        "managed-object",
        "ingresses/x/status",
        "the operator manages this Ingress; change the Sovereign or Organization that it belongs to",
      ],
    ],
    ["a new ControllerRevision", creation(REVISIONS), facts(), [...revision("controllerrevisions/x")]],
    [
      "another template in a ControllerRevision",
      request({ ...REVISIONS, oldObject: { data: { a: 1 } }, object: { data: { a: 2 } } }),
      environment,
      [...revision("data.a")],
    ],
  ])("deny %s", (_, input, known, ...violations) =>
    expect(violationsOf(input, known)).toEqual(expected(violations)),
  );

  it.each([
    ["organizations of another API group", creation({ ...RELEASE, group: "example.com" }), facts()],
    [
      "deleting an object with a platform label",
      deletion({ oldObject: labelled({ [label("environment")]: "a" }) }),
      facts(),
    ],
    [
      "the pipeline's evidence",
      creation({
        object: annotated({ [SCORE]: "100" }),
        user: { username: "ci", groups: ["catalyst:pipeline"] },
      }),
      facts({ identity: TENANT }),
    ],
    [
      "evidence in a Pod template that stays",
      request({
        object: { spec: { template: annotated({ [SCORE]: "1" }), replicas: 2 } },
        oldObject: { spec: { template: annotated({ [SCORE]: "1" }), replicas: 1 } },
      }),
      environment,
    ],
    [
      "evidence that stays",
      request({
        oldObject: annotated({ [SCORE]: "1" }),
        object: { ...annotated({ [SCORE]: "1" }), data: {} },
      }),
      environment,
    ],
    ["deleting an object with evidence", deletion({ oldObject: annotated({ [SCORE]: "1" }) }), environment],
    [
      "another annotation of the platform",
      creation({ object: annotated({ [label("applied")]: "x" }) }),
      facts(),
    ],
    [
      "a member's work, exec included",
      request({ operation: "CONNECT", resource: "pods", subresource: "exec" }),
      environment,
    ],
    ["controllerrevisions of another API group", creation({ ...REVISIONS, group: "example.com" }), facts()],
    [
      "a controller's report in the status of a managed object",
      request({
        ...INGRESS,
        oldObject: managedIngress({}, {}),
        object: managedIngress({}, { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } }),
      }),
      controller,
    ],
  ])("allow %s", (_, input, known) => expect(violationsOf(input, known)).toEqual([]));
});
