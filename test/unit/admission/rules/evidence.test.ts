import { describe, expect, it } from "vitest";
import {
  type EvidenceSource,
  evidenceFor,
  hasEvidence,
  lowestScore,
  ownEvidence,
} from "../../../../src/admission/rules/evidence.ts";
import { reviewed } from "../../../support/builder/admission-request.ts";
import { digest, evidence, PIPELINE, workloadInstall } from "../../../support/builder/install-request.ts";

const A = digest("a");
const B = digest("b");
const source = (approvedBy: unknown, isFresh = false): EvidenceSource => ({
  annotations: { "catalyst.openova.io/approved-by": approvedBy },
  isFresh,
});
const found = (...sources: EvidenceSource[]) => [...evidenceFor("approvedBy", A, sources)];

describe("evidenceFor", () => {
  it.each<[string, EvidenceSource[], string[]]>([
    ["names of a fresh annotation", [source("amal, badr ,", true)], ["amal", "badr"]],
    ["a name once", [source(`amal,amal,amal@${A}`, true)], ["amal"]],
    ["no name of an earlier annotation", [source("amal,badr")], []],
    ["a name with the digest, also of an earlier annotation", [source(`amal@${A}`)], ["amal"]],
    ["no name with another digest", [source(`amal@${B}`, true), source(`badr@${B}`)], []],
    ["an email address", [source(`amal@omantel.om@${A}`)], ["amal@omantel.om"]],
    [
      "a text that only looks like a digest as part of a name",
      [source("amal@sha256:abc", true)],
      ["amal@sha256:abc"],
    ],
    ["no digest in upper case", [source(`amal@${A.toUpperCase()}`)], []],
    ["names of several annotations", [source("amal", true), source(`badr@${A}`)], ["amal", "badr"]],
    ["nothing in an empty annotation", [source(" , ", true)], []],
    ["nothing in a value that is no text", [source({ amal: true }, true), source(undefined, true)], []],
  ])("finds %s", (_, sources, expected) => expect(found(...sources)).toEqual(expected));

  it("finds names without a digest for a chart that does not exist, and none with one", () => {
    expect([...evidenceFor("approvedBy", undefined, [source(`amal,badr@${A}`, true)])]).toEqual(["amal"]);
  });

  it("reads each annotation by itself", () => {
    const both = { annotations: evidence({ approvedBy: "amal", score: "90" }), isFresh: true };
    expect([...evidenceFor("score", A, [both])]).toEqual(["90"]);
  });
});

describe("hasEvidence", () => {
  it.each([
    ["no annotation", undefined, false],
    ["an empty one", " ,", false],
    ["one that does not count", `amal@${B}`, true],
  ])("is right about %s", (_, annotation, expected) =>
    expect(hasEvidence("approvedBy", [source(annotation)])).toBe(expected),
  );
});

describe("ownEvidence", () => {
  const object = reviewed({ metadata: { annotations: { now: "x" } } });
  const oldObject = reviewed({ metadata: { annotations: { before: "x" } } });

  it("is what the pipeline's own request has", () =>
    expect(ownEvidence(workloadInstall(object, { oldObject, user: PIPELINE }))).toEqual({
      annotations: { now: "x" },
      isFresh: true,
    }));

  it("is what was there before another request", () =>
    expect(ownEvidence(workloadInstall(object, { operation: "UPDATE", oldObject }))).toEqual({
      annotations: { before: "x" },
      isFresh: false,
    }));

  it("is empty when another request makes the object", () =>
    expect(ownEvidence(workloadInstall(object))).toEqual({ annotations: {}, isFresh: false }));
});

describe("lowestScore", () => {
  it.each([
    [["0"], 0],
    [["100"], 100],
    [["87", "90"], 87],
    [[], undefined],
    [["101"], undefined],
    [["-1"], undefined],
    [["8.5"], undefined],
    [["1e2"], undefined],
    [["087"], undefined],
    [["90", "high"], undefined],
  ])("of %j is %s", (values, expected) => expect(lowestScore(new Set(values))).toBe(expected));
});
