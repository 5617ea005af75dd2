import { describe, expect, it } from "vitest";
import { MalformedReview, parseReview, reviewAnswer } from "../../../src/admission/review.ts";
import { verdict } from "../../support/builder/admission-request.ts";

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
    expect(reviewAnswer("1", verdict())).toEqual({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: { uid: "1", allowed: true },
    });
  });

  it("denies with every violation, as text and as causes", () => {
    expect(
      reviewAnswer(
        "1",
        verdict({
          violations: [
            { rule: "image-digest", path: "spec.a", message: "write a digest" },
            { rule: "helm-release", path: "spec.b", message: "remove it" },
          ],
        }),
      ),
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

  const warningsOf = (...warnings: string[]) =>
    (reviewAnswer("1", verdict({ warnings })) as { response: { warnings: string[] } }).response.warnings;

  it.each<[string, string, string]>([
    ["as it is", "write a digest", "write a digest"],
    ["up to 256 characters", "a".repeat(256), "a".repeat(256)],
    ["cut after 256 characters", "a".repeat(257), `${"a".repeat(255)}…`],
    ["counted by code points", "😀".repeat(257), `${"😀".repeat(255)}…`],
    ["on one line", "first\r\nsecond\tthird\n", "first second third"],
    ["without characters that reorder or hide text", "a\u202eb\u200bc\ud800d", "a b c d"],
  ])("shows a warning %s", (_, given, shown) => {
    expect(warningsOf(given)).toEqual([shown]);
  });

  it("shows at most ten warnings, the last of which counts the rest", () => {
    const given = Array.from({ length: 12 }, (_, index) => `warning ${index}`);
    expect(warningsOf(...given.slice(0, 10))).toEqual(given.slice(0, 10));
    expect(warningsOf(...given)).toEqual([...given.slice(0, 9), "3 more warnings are not shown"]);
  });

  it("adds warnings and audit annotations to a denial too, and cuts long annotations", () => {
    const auditAnnotations = { reason: "x\ny", long: "a".repeat(1025) };
    const violations = [{ rule: "image-digest" as const, path: "spec.a", message: "write a digest" }];
    expect(reviewAnswer("1", verdict({ violations, warnings: ["w"], auditAnnotations }))).toMatchObject({
      response: {
        allowed: false,
        warnings: ["w"],
        auditAnnotations: { reason: "x y", long: `${"a".repeat(1023)}…` },
      },
    });
  });
});
