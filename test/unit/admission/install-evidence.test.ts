import { describe, expect, it } from "vitest";
import type { AdmissionInput } from "../../../src/admission/rules/request.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { reviewed } from "../../support/builder/admission-request.ts";
import { approved, judge, live, NOW, ofRelease, SOAK } from "../../support/builder/install-judge.ts";
import {
  chartInstall,
  deployment,
  digest,
  environmentPolicy,
  evidence,
  helmRelease,
  image,
  ociRepository,
  PIPELINE,
  releaseInstall,
  workloadInstall,
} from "../../support/builder/install-request.ts";

describe("evidence against replay", () => {
  const stamped = (letter: string, annotations: object) => deployment([image(letter)], { annotations });
  const changed = (to: object, before: object, user = { username: "amal", groups: [] as string[] }) =>
    workloadInstall(to, { operation: "UPDATE", oldObject: reviewed(before), user });

  it.each<[string, AdmissionInput, boolean]>([
    [
      "the pipeline's install with its evidence",
      workloadInstall(stamped("a", evidence({ approvedBy: "amal" })), { user: PIPELINE }),
      true,
    ],
    [
      "another image under the evidence of the earlier one",
      changed(stamped("b", evidence({ approvedBy: "amal" })), stamped("a", evidence({ approvedBy: "amal" }))),
      false,
    ],
    [
      "another image under evidence that names the earlier one",
      changed(stamped("b", approved("a")), stamped("a", approved("a"))),
      false,
    ],
    [
      "the image that the pipeline named in advance",
      changed(stamped("b", approved("b")), stamped("a", approved("b"))),
      true,
    ],
    [
      "an image that the request names itself",
      changed(stamped("b", approved("b")), stamped("a", approved("a"))),
      false,
    ],
    [
      "another image in the pipeline's own request under evidence that it leaves as it was",
      changed(
        stamped("b", evidence({ approvedBy: "amal" })),
        stamped("a", evidence({ approvedBy: "amal" })),
        PIPELINE,
      ),
      false,
    ],
    [
      "another image in the pipeline's own request that writes the evidence",
      changed(
        stamped("b", evidence({ approvedBy: "amal" })),
        stamped("a", evidence({ approvedBy: "badr" })),
        PIPELINE,
      ),
      true,
    ],
    [
      "the image that the evidence names, in the pipeline's own request",
      changed(stamped("b", approved("b")), stamped("a", approved("b")), PIPELINE),
      true,
    ],
    [
      "other values in the pipeline's own request under evidence that it leaves as it was",
      releaseInstall(helmRelease({ values: { debug: true } }, { annotations: approved("a") }), {
        operation: "UPDATE",
        oldObject: reviewed(helmRelease({}, { annotations: approved("a") })),
        user: PIPELINE,
      }),
      false,
    ],
    ["a new object with copied evidence", workloadInstall(stamped("b", approved("b"))), false],
  ])("decides about %s", async (_, input, isAllowed) =>
    expect(await judge().rulesOf(input)).toEqual(isAllowed ? [] : ["environment-approval"]),
  );
});

describe("what a chart makes", () => {
  const release = (annotations: object) => ({
    "release/acme-prod/shop": live(helmRelease({}, { name: "shop", annotations })),
  });

  it("passes with its own digest in the evidence of its HelmRelease", async () => {
    const { rulesOf, read } = judge({ objects: release(approved("a")) });
    expect(await rulesOf(ofRelease("a"))).toEqual([]);
    expect(read).toEqual(["release/acme-prod/shop"]);
  });

  it.each<[string, AdmissionInput, Record<string, KubernetesObject>]>([
    ["another digest", ofRelease("b"), release(approved("a"))],
    ["evidence without a digest", ofRelease("a"), release(evidence({ approvedBy: "amal" }))],
    ["a HelmRelease that does not exist", ofRelease("a"), {}],
    ["no HelmRelease in its labels", workloadInstall(deployment([image("a")])), release(approved("a"))],
  ])("is denied with %s", async (_, input, objects) =>
    expect(await judge({ objects }).rulesOf(input)).toEqual(["environment-approval"]),
  );

  it.each(["../secrets/x", "a/b", "", "A", "x".repeat(300), "?a=b"])(
    "reads nothing for the label '%s'",
    async (name) => {
      const { rulesOf, read } = judge();
      expect(await rulesOf(ofRelease("a", name))).toEqual(["environment-approval"]);
      expect(read).toEqual([]);
    },
  );
});

describe("soak of a chart", () => {
  const policies = [environmentPolicy("live", [SOAK])];
  const ran = (since: string, seen = NOW) => ({ "acme-stg": { [digest("a")]: { since, seen } } });

  it("counts for the OCIRepository and for the HelmRelease that refers to it", async () => {
    const { rulesOf } = judge({ policies, chart: ociRepository("a"), records: ran("2026-11-29T11:00:00Z") });
    expect(await rulesOf(chartInstall(ociRepository("a")))).toEqual([]);
    expect(await rulesOf(releaseInstall(helmRelease()))).toEqual([]);
  });

  it.each<[string, Parameters<typeof judge>[0], AdmissionInput]>([
    [
      "it has not run long enough",
      { records: ran("2026-11-29T11:00:00.001Z") },
      chartInstall(ociRepository("a")),
    ],
    [
      "it stopped",
      { records: ran("2026-11-01T00:00:00Z", "2026-11-29T11:44:59Z") },
      chartInstall(ociRepository("a")),
    ],
    [
      "its HelmRelease refers to another digest now",
      {
        records: ran("2026-11-01T00:00:00Z"),
        chart: ociRepository("b"),
      },
      releaseInstall(helmRelease()),
    ],
    [
      "its OCIRepository does not exist",
      { records: ran("2026-11-01T00:00:00Z") },
      releaseInstall(helmRelease()),
    ],
    [
      "the OCIRepository has no digest",
      {
        records: ran("2026-11-01T00:00:00Z"),
        chart: { metadata: {}, spec: { ref: { tag: "1" } } },
      },
      releaseInstall(helmRelease()),
    ],
  ])("does not count the soak of a chart when %s", async (_, cluster, input) =>
    expect(await judge({ policies, ...cluster }).rulesOf(input)).toEqual(["environment-soak"]),
  );
});
