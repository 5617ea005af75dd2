import { describe, expect, it } from "vitest";
import { reviewAnswer } from "../../../src/admission/review-answer.ts";
import type { Violation } from "../../../src/admission/rules/fact.ts";
import { verdict } from "../../support/builder/admission-request.ts";

const DOCS = "https://docs.test/denied";

describe("reviewAnswer", () => {
  it("allows without violations", () => {
    expect(reviewAnswer("1", verdict(), DOCS)).toEqual({
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
        DOCS,
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
          message: `image-digest: spec.a: write a digest; helm-release: spec.b: remove it. See ${DOCS}#image-digest ${DOCS}#helm-release`,
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
    (reviewAnswer("1", verdict({ warnings }), DOCS) as { response: { warnings: string[] } }).response
      .warnings;

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
    expect(reviewAnswer("1", verdict({ violations, warnings: ["w"], auditAnnotations }), DOCS)).toMatchObject(
      {
        response: {
          allowed: false,
          warnings: ["w"],
          auditAnnotations: { reason: "x y", long: `${"a".repeat(1023)}…` },
        },
      },
    );
  });

  const statusOf = (...violations: Violation[]) =>
    (
      reviewAnswer("1", verdict({ violations }), DOCS) as {
        response: { status: { message: string; details: { causes: object[] } } };
      }
    ).response.status;
  const violation = (change: Partial<Violation> = {}): Violation => ({
    ...{ rule: "image-digest", path: "spec.a", message: "write a digest" },
    ...change,
  });

  it("links to a rule once", () => {
    expect(statusOf(violation(), violation({ path: "spec.b" })).message).toBe(
      `image-digest: spec.a: write a digest; image-digest: spec.b: write a digest. See ${DOCS}#image-digest`,
    );
  });

  it("shows at most ten violations, and counts the rest", () => {
    const many = Array.from({ length: 12 }, (_, index) => violation({ path: `spec[${index}]` }));
    const { message, details } = statusOf(...many);
    expect(message).toContain("spec[9]");
    expect(message).not.toContain("spec[10]");
    expect(message).toContain("; 2 more violations are not shown. See ");
    expect(details.causes).toHaveLength(10);
    expect(statusOf(...many.slice(0, 10)).message).not.toContain("not shown");
  });

  it("keeps a denial on one line and below 10,000 characters, whatever the request names", () => {
    const many = Array.from({ length: 100 }, () =>
      violation({ path: "a\n".repeat(5_000), message: "b\u202e".repeat(5_000) }),
    );
    const { message } = statusOf(...many);
    expect(message.length).toBeLessThan(10_000);
    expect(message).not.toMatch(/\p{C}/u);
  });
});
