import { describe, expect, it } from "vitest";
import { referencesFromHub } from "../../../../src/controllers/billing-release/desired-hub-reference.ts";
import { IMAGE, measured, NEXT_IMAGE, release } from "../../../support/builder/catalyst-object.ts";

const { reference } = measured(NEXT_IMAGE);
const { reference: earlier } = measured(IMAGE);
if (reference === undefined || earlier === undefined) throw new Error("measured() has a reference");

const annotated = (value: unknown, status = {}) => {
  const brel = release({}, status);
  const annotations = {
    "catalyst.openova.io/references": typeof value === "string" ? value : JSON.stringify(value),
  };
  return { ...brel, metadata: { ...brel.metadata, annotations } };
};

describe("referencesFromHub", () => {
  it("takes the first as the reference, and the others as earlier ones", () => {
    expect(referencesFromHub(annotated([reference, earlier]))).toEqual({
      reference,
      earlierReferences: [earlier],
    });
    expect(referencesFromHub(annotated([reference], { reference: earlier }))).toEqual({ reference });
  });

  it.each([["no JSON"], [{}], [[]], [[null, { image: IMAGE }]]])(
    "keeps what was known when the annotation is %j",
    (value) => {
      const known = { reference, earlierReferences: [earlier] };
      expect(referencesFromHub(annotated(value, known))).toEqual(known);
    },
  );

  it("has none while the hub has sent none", () => {
    expect(referencesFromHub(release())).toEqual({});
  });
});
