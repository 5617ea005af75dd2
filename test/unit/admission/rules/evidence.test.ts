import { describe, expect, it } from "vitest";
import {
  type EvidenceSource,
  evidenceFor,
  hasEvidence,
  lowestScore,
  ownEvidence,
  readEvidence,
} from "../../../../src/admission/rules/evidence.ts";
import { reviewed } from "../../../support/builder/admission-request.ts";
import { digest, evidence, PIPELINE, workloadInstall } from "../../../support/builder/install-request.ts";

const A = digest("a");
const B = digest("b");
const source = (approvedBy: unknown, isFresh = false): EvidenceSource =>
  readEvidence({ "catalyst.openova.io/approved-by": approvedBy }, () => isFresh);
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

  it("parses an annotation once for any number of digests", () => {
    let reads = 0;
    const annotations = {
      get "catalyst.openova.io/approved-by"() {
        reads += 1;
        return `amal@${A},badr@${B}`;
      },
    };
    const parsed = readEvidence(annotations, () => false);
    expect([A, B, A].map((it) => [...evidenceFor("approvedBy", it, [parsed])])).toEqual([
      ["amal"],
      ["badr"],
      ["amal"],
    ]);
    expect(reads).toBe(1);
  });

  it("reads each annotation by itself", () => {
    const both = readEvidence(evidence({ approvedBy: "amal", score: "90" }), () => true);
    expect([...evidenceFor("score", A, [both])]).toEqual(["90"]);
  });
});

describe("hasEvidence", () => {
  it.each([
    ["no annotation", undefined, false],
    ["an empty one", " ,", false],
    ["one that does not count", `amal@${B}`, true],
  ])("reports whether there is evidence, with %s", (_, annotation, expected) =>
    expect(hasEvidence("approvedBy", [source(annotation)])).toBe(expected),
  );
});

describe("ownEvidence", () => {
  const stamped = (approvedBy?: string, score?: string) =>
    reviewed({
      metadata: {
        annotations: evidence({
          ...(approvedBy === undefined ? {} : { approvedBy }),
          ...(score === undefined ? {} : { score }),
        }),
      },
    });
  /** The evidence that counts for digest A: approvals, then scores. */
  const counting = (...input: Parameters<typeof workloadInstall>) => {
    const own = ownEvidence(workloadInstall(...input));
    return [evidenceFor("approvedBy", A, [own]), evidenceFor("score", A, [own])].map((it) => [...it]);
  };
  const update = (object: object, oldObject: ReturnType<typeof stamped>, user = PIPELINE) =>
    counting(object, { operation: "UPDATE", oldObject, user });
  const amal = { username: "amal", groups: [] };

  it("counts all entries when the pipeline creates the object", () =>
    expect(counting(stamped("amal", "90"), { user: PIPELINE })).toEqual([["amal"], ["90"]]));

  it("counts all entries of annotations that the pipeline adds or changes", () =>
    expect(update(stamped("amal", "90"), stamped("badr"))).toEqual([["amal"], ["90"]]));

  it.each<[string, ReturnType<typeof stamped>, string[][]]>([
    ["both", stamped("amal", "90"), [[], []]],
    ["the approvals", stamped("amal", "80"), [[], ["90"]]],
    ["the scores", stamped("badr", "90"), [["amal"], []]],
  ])("counts no entry without a digest when the pipeline leaves %s as before", (_, before, expected) =>
    expect(update(stamped("amal", "90"), before)).toEqual(expected),
  );

  it("counts an entry with the digest when the pipeline leaves the annotations as before", () => {
    const named = stamped(`amal@${A},badr@${B},chaya`, `90@${A},10`);
    expect(update(named, named)).toEqual([["amal"], ["90"]]);
  });

  it("counts in another's request only entries with the digest that were there before", () => {
    expect(update(stamped(`amal@${A}`, `90@${A}`), stamped(`badr@${A},chaya`, "80"), amal)).toEqual([
      ["badr"],
      [],
    ]);
    expect(counting(stamped(`amal@${A}`, "90"), { user: amal })).toEqual([[], []]);
  });
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
  ])("returns for the scores %j: %s", (values, expected) =>
    expect(lowestScore(new Set(values))).toBe(expected),
  );
});
