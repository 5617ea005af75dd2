import { describe, expect, it } from "vitest";
import { artifactsToCheck } from "../../../../src/admission/rules/rule-list.ts";
import { creation, deletion, facts, request } from "../../../support/builder/admission-request.ts";
import { DIGEST, HELM, OCI, release, repository } from "../../../support/builder/install-source.ts";

describe("the artifact of an OCIRepository", () => {
  it.each([
    [
      "of a new one",
      creation({ ...OCI, object: repository({ url: "oci://registry.test/shop", ref: { digest: DIGEST } }) }),
      `oci://registry.test/shop@${DIGEST}`,
    ],
    [
      "of one that does not change",
      request({
        ...OCI,
        oldObject: repository({ url: "oci://registry.test/shop", ref: { digest: DIGEST } }),
        object: repository({ url: "oci://registry.test/shop", ref: { digest: DIGEST } }),
      }),
      `oci://registry.test/shop@${DIGEST}`,
    ],
    ["without a digest", creation({ ...OCI, object: repository({}) }), "oci://registry.test/shop@"],
    ["without anything", creation({ ...OCI, object: {} }), "@"],
  ])("checks the artifact %s", (_, input, reference) => {
    expect(artifactsToCheck(input, facts())).toEqual([
      {
        artifact: { reference, use: { kind: "chart" } },
        path: "spec.ref.digest",
        rule: "oci-repository-signature",
      },
    ]);
  });

  it.each([
    ["on deletion", deletion({ ...OCI, object: repository({ url: "oci://a.test/b" }) })],
    ["for another kind", creation({ ...HELM, object: release() })],
  ])("does not check an artifact %s", (_, input) => expect(artifactsToCheck(input, facts())).toEqual([]));
});
