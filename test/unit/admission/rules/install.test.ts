import { describe, expect, it } from "vitest";
import { type Install, installOf } from "../../../../src/admission/rules/install.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { reviewed } from "../../../support/builder/admission-request.ts";
import {
  chartInstall,
  deployment,
  digest,
  helmRelease,
  image,
  ociRepository,
  releaseInstall,
  workloadInstall,
} from "../../../support/builder/install-request.ts";

const update = (input: AdmissionInput, before: object): AdmissionInput => ({
  ...{ ...input, operation: "UPDATE" },
  oldObject: reviewed(before),
});
const IMAGE_PATH = "spec.template.spec.containers[0].image";
const workload = (...artifacts: [path: string, letter: string][]): Install => ({
  kind: "workload",
  artifacts: artifacts.map(([path, letter]) => ({ path, digest: digest(letter) })),
});
const chart = (letter: string): Install => ({
  kind: "chart",
  artifacts: [{ path: "spec.ref.digest", digest: digest(letter) }],
});
const release = (path: string): Install => ({ kind: "release", path, repository: "shop" });
const cronJob = (letter: string) => ({
  spec: { jobTemplate: { spec: { template: { spec: { containers: [{ image: image(letter) }] } } } } },
});
const pod = (letter: string, spec: object = {}) => ({
  spec: { containers: [{ name: "app", image: image(letter) }], ...spec },
});
const pods = { group: "", resource: "pods" };

describe("installOf", () => {
  it.each<[string, AdmissionInput, Install]>([
    ["a new Deployment", workloadInstall(deployment([image("a")])), workload([IMAGE_PATH, "a"])],
    [
      "another image",
      update(workloadInstall(deployment([image("b")])), deployment([image("a")])),
      workload([IMAGE_PATH, "b"]),
    ],
    [
      "one more image",
      update(workloadInstall(deployment([image("a"), image("b")])), deployment([image("a")])),
      workload(["spec.template.spec.containers[1].image", "b"]),
    ],
    [
      "two containers of one image, once",
      workloadInstall(deployment([image("a"), image("b"), image("a")])),
      workload([IMAGE_PATH, "a"], ["spec.template.spec.containers[1].image", "b"]),
    ],
    ["a Pod", workloadInstall(pod("a"), pods), workload(["spec.containers[0].image", "a"])],
    [
      "another image of a Pod",
      update(workloadInstall(pod("b"), pods), pod("a")),
      workload(["spec.containers[0].image", "b"]),
    ],
    [
      "an ephemeral container",
      update(
        workloadInstall(pod("a", { ephemeralContainers: [{ image: image("b") }] }), {
          ...{ ...pods, subresource: "ephemeralcontainers" },
        }),
        pod("a"),
      ),
      workload(["spec.ephemeralContainers[0].image", "b"]),
    ],
    [
      "an image volume",
      workloadInstall(pod("a", { volumes: [{ image: { reference: image("b") } }] }), pods),
      workload(["spec.containers[0].image", "a"], ["spec.volumes[0].image.reference", "b"]),
    ],
    [
      "a CronJob",
      workloadInstall(cronJob("a"), { group: "batch", resource: "cronjobs" }),
      workload(["spec.jobTemplate.spec.template.spec.containers[0].image", "a"]),
    ],
    [
      "a custom kind with a Pod template",
      workloadInstall(deployment([image("a")]), { group: "example.org", resource: "widgets" }),
      workload([IMAGE_PATH, "a"]),
    ],
    ["an OCIRepository", chartInstall(ociRepository("a")), chart("a")],
    ["another digest", update(chartInstall(ociRepository("b")), ociRepository("a")), chart("b")],
    [
      "another address of the same digest",
      update(chartInstall(ociRepository("a", { url: "oci://registry.test/other" })), ociRepository("a")),
      chart("a"),
    ],
    ["a HelmRelease", releaseInstall(helmRelease()), release("spec.chartRef")],
    [
      "other values",
      update(
        releaseInstall(helmRelease({ values: { image: image("b") } })),
        helmRelease({ values: { image: image("a") } }),
      ),
      release("spec.values.image"),
    ],
    [
      "another chart of a HelmRelease",
      update(
        releaseInstall(helmRelease()),
        helmRelease({ chartRef: { kind: "OCIRepository", name: "other" } }),
      ),
      release("spec.chartRef.name"),
    ],
  ])("finds %s", (_, input, expected) => expect(installOf(input)).toEqual(expected));

  it.each<[string, AdmissionInput]>([
    [
      "scale",
      update(workloadInstall(deployment([image("a")], {}, { replicas: 9 })), deployment([image("a")])),
    ],
    [
      "labels",
      update(
        workloadInstall(deployment([image("a")], { labels: { team: "web" } })),
        deployment([image("a")]),
      ),
    ],
    [
      "the same images in another order",
      update(workloadInstall(deployment([image("b"), image("a")])), deployment([image("a"), image("b")])),
    ],
    ["fewer images", update(workloadInstall(deployment([image("a")])), deployment([image("a"), image("b")]))],
    ["a deletion", { ...workloadInstall({}), operation: "DELETE", oldObject: deployment([image("a")]) }],
    ["a connection", { ...workloadInstall({}), operation: "CONNECT", object: deployment([image("a")]) }],
    [
      "the scale subresource",
      workloadInstall({ spec: { replicas: 3 } }, { operation: "UPDATE", subresource: "scale" }),
    ],
    ["a ConfigMap", workloadInstall({ data: { a: "b" } }, { group: "", resource: "configmaps" })],
    [
      "how often Flux looks",
      update(
        chartInstall(ociRepository("a", { interval: "1h", suspend: true, timeout: "1m" })),
        ociRepository("a"),
      ),
    ],
    [
      "a suspended HelmRelease",
      update(releaseInstall(helmRelease({ suspend: true, interval: "1h" })), helmRelease()),
    ],
    [
      "the status of a HelmRelease",
      { ...releaseInstall({ ...helmRelease(), status: {} }), subresource: "status" },
    ],
  ])("finds nothing in %s", (_, input) => expect(installOf(input)).toBeUndefined());
});
