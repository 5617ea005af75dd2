import { describe, expect, it } from "vitest";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { artifactsToCheck } from "../../../../src/admission/rules/rule-list.ts";
import { WORKLOADS } from "../../../../src/admission/rules/workload-image.ts";
import {
  creation,
  type Denial,
  deletion,
  expected,
  facts,
  request,
  violationsOf,
} from "../../../support/builder/admission-request.ts";
import { IMAGE, NEXT_IMAGE } from "../../../support/builder/catalyst-object.ts";

const PODS = { resource: "pods" };
const EPHEMERAL = { resource: "pods", subresource: "ephemeralcontainers" };
const pod = (image: unknown, spec: object = {}) => ({
  kind: "Pod",
  spec: { containers: [{ name: "a", image }], ...spec },
});
const noDigest = (path: string, image: string) =>
  ["image-digest", path, `${image} has no digest; write repository@sha256:<64 hex>`] as const;

/** The path of the Pod template in each kind. */
const TEMPLATES = [
  ["", "pods", (spec: object) => ({ spec }), "spec"],
  ["", "replicationcontrollers", (spec: object) => ({ spec: { template: { spec } } }), "spec.template.spec"],
  ["apps", "deployments", (spec: object) => ({ spec: { template: { spec } } }), "spec.template.spec"],
  ["apps", "daemonsets", (spec: object) => ({ spec: { template: { spec } } }), "spec.template.spec"],
  ["apps", "statefulsets", (spec: object) => ({ spec: { template: { spec } } }), "spec.template.spec"],
  ["apps", "replicasets", (spec: object) => ({ spec: { template: { spec } } }), "spec.template.spec"],
  ["batch", "jobs", (spec: object) => ({ spec: { template: { spec } } }), "spec.template.spec"],
  [
    "batch",
    "cronjobs",
    (spec: object) => ({ spec: { jobTemplate: { spec: { template: { spec } } } } }),
    "spec.jobTemplate.spec.template.spec",
  ],
] as const;

describe("the rule for images", () => {
  it.each(TEMPLATES)("denies images without digest in %s %s", (group, resource, objectOf, path) => {
    const object = objectOf({
      containers: [{ image: IMAGE }, { image: "nginx:1" }],
      initContainers: [{ image: "busybox" }],
      ephemeralContainers: [{ image: "debug" }],
      volumes: [{ emptyDir: {} }, { image: { reference: "data:1" } }],
    });
    for (const input of [
      creation({ group, resource, object }),
      request({ group, resource, object, oldObject: objectOf({}) }),
    ])
      expect(violationsOf(input)).toEqual(
        expected([
          [...noDigest(`${path}.containers[1].image`, "nginx:1")],
          [...noDigest(`${path}.initContainers[0].image`, "busybox")],
          [...noDigest(`${path}.ephemeralContainers[0].image`, "debug")],
          [...noDigest(`${path}.volumes[1].image.reference`, "data:1")],
        ]),
      );
  });

  it("covers every kind that the webhook is called for", () => {
    const listed = Object.entries(WORKLOADS).flatMap(([group, resources]) =>
      resources.map((resource) => [group, resource]),
    );
    expect(listed).toEqual(
      expect.arrayContaining([
        ...TEMPLATES.map(([group, resource]) => [group, resource]),
        ["", "pods/ephemeralcontainers"],
        ["", "podtemplates"],
      ]),
    );
    expect(listed).toHaveLength(TEMPLATES.length + 2);
  });

  it.each<Denial>([
    [
      "an ephemeral container",
      request({
        ...EPHEMERAL,
        oldObject: pod(IMAGE),
        object: pod(IMAGE, { ephemeralContainers: [{ image: "busybox" }] }),
      }),
      facts(),
      [...noDigest("spec.ephemeralContainers[0].image", "busybox")],
    ],
    [
      "a container without image",
      creation({ ...PODS, object: pod(undefined) }),
      facts(),
      [...noDigest("spec.containers[0].image", "(empty)")],
    ],
    [
      "an image that is no text",
      creation({ ...PODS, object: pod({ a: 1 }) }),
      facts(),
      [...noDigest("spec.containers[0].image", "(empty)")],
    ],
    [
      "a Pod specification in a kind of another API group",
      creation({ group: "example.com", resource: "pods", object: { spec: { deep: [pod("nginx").spec] } } }),
      facts(),
      [...noDigest("spec.deep[0].containers[0].image", "nginx")],
    ],
    [
      "an image whose path leaves its folder",
      creation({ ...PODS, object: pod(IMAGE.replace("/catalyst", "/a/../catalyst")) }),
      facts(),
      [
        "image-digest",
        "spec.containers[0].image",
        `${IMAGE.replace("/catalyst", "/a/../catalyst")} is not a valid reference; write host/repository@sha256:<64 hex>, in lower case and without "." or ".." segments`,
      ],
    ],
    [
      "an image that moves to another container",
      request({
        ...PODS,
        oldObject: pod("nginx"),
        object: { spec: { containers: [{ image: IMAGE }, { image: "nginx" }] } },
      }),
      facts(),
      [...noDigest("spec.containers[1].image", "nginx")],
    ],
    [
      "another image in the place of an old one",
      request({ ...PODS, oldObject: pod("nginx:1"), object: pod("nginx:2") }),
      facts(),
      [...noDigest("spec.containers[0].image", "nginx:2")],
    ],
  ])("denies %s", (_, input, known, ...violations) =>
    expect(violationsOf(input, known)).toEqual(expected(violations)),
  );

  it.each<[string, AdmissionInput]>([
    ["an image by digest", creation({ ...PODS, object: pod(IMAGE) })],
    [
      "an old image that has no digest",
      request({ ...PODS, oldObject: pod("nginx"), object: pod("nginx", { a: 1 }) }),
    ],
    ["deleting a Pod", deletion({ ...PODS, object: pod("nginx") })],
    ["exec", request({ ...PODS, operation: "CONNECT", subresource: "exec", object: pod("nginx") })],
    ["a connection to the Pod itself", request({ ...PODS, operation: "CONNECT", object: pod("nginx") })],
    [
      "a Pod's status",
      request({ ...PODS, subresource: "status", oldObject: pod("nginx"), object: pod("nginx", { b: 1 }) }),
    ],
    ["a container that is no map", creation({ ...PODS, object: { spec: { containers: ["nginx"] } } })],
    ["a Pod without spec", creation({ ...PODS, object: { kind: "Pod" } })],
    [
      "members that are not what they should be",
      creation({
        ...PODS,
        object: {
          spec: {
            containers: { image: "nginx" },
            volumes: [null, { image: "data" }, { image: { reference: 1 } }],
            template: "x",
            jobTemplate: [],
          },
        },
      }),
    ],
  ])("allows %s", (_, input) => expect(violationsOf(input)).toEqual([]));
});

describe("the images of a workload", () => {
  const field = (path: string, reference: string) => ({
    artifact: { reference, use: { kind: "image" } },
    path,
    rule: "image-signature",
  });

  it("checks images that are new", () => {
    const input = request({
      ...PODS,
      oldObject: pod(IMAGE),
      object: pod(IMAGE, { initContainers: [{ image: NEXT_IMAGE }] }),
    });
    expect(artifactsToCheck(input, facts())).toEqual([field("spec.initContainers[0].image", NEXT_IMAGE)]);
    expect(artifactsToCheck(creation({ ...PODS, object: pod(IMAGE) }), facts())).toEqual([
      field("spec.containers[0].image", IMAGE),
    ]);
  });

  it("does not check images that stay", () => {
    expect(
      artifactsToCheck(request({ ...PODS, oldObject: pod(IMAGE), object: pod(IMAGE) }), facts()),
    ).toEqual([]);
  });
});
