import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTextPacker } from "../../../src/kube/packed-text.ts";

const deployment = (name: string) =>
  JSON.stringify({
    kind: "Deployment",
    metadata: { name, namespace: `sovereign-${name}` },
    spec: Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`field${index}`, index * 7_919])),
  });
/** A text that compresses badly and resembles no other. */
const noise = (seed: number) =>
  Array.from({ length: 400 }, (_, index) => ((index + 1) * (seed + 3) * 2_654_435_761).toString(36)).join("");

/** The `binary` unit of fast-check has every character, but takes seconds to build. */
const RARE = ["", "\0", "تأكيد ✓", "\u{1F600}\u{10FFFF}", '"\\ud800"'];

describe("the packer of texts", () => {
  it("returns each text of any sequence unchanged", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.json(), fc.string(), fc.constantFrom(...RARE)), { maxLength: 12 }),
        (texts) => {
          const packer = createTextPacker();
          const packed = texts.map((text) => packer.pack(text));
          expect(packed.map((each) => packer.unpack(each))).toEqual(texts);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("packs a text that resembles an earlier one into a tenth", () => {
    const packer = createTextPacker();
    packer.pack(deployment("zero"));
    const text = deployment("omantel");
    expect(packer.pack(text).length).toBeLessThan(text.length / 10);
  });

  it("packs two kinds of text in turn into a tenth each", () => {
    const packer = createTextPacker();
    for (let round = 0; round < 3; round += 1)
      for (const text of [deployment(`country-${round}`), noise(1)]) packer.pack(text);
    expect(packer.pack(deployment("omantel")).length).toBeLessThan(deployment("omantel").length / 10);
    expect(packer.pack(noise(1)).length).toBeLessThan(noise(1).length / 10);
  });

  it("returns more texts of different kinds than it has dictionaries", () => {
    const packer = createTextPacker();
    const texts = Array.from({ length: 20 }, (_, seed) => noise(seed));
    const packed = texts.map((text) => packer.pack(text));
    expect(packed.map((each) => packer.unpack(each))).toEqual(texts);
  });

  it("uses one byte for each character of a packed text", () => {
    const packed = createTextPacker().pack("تأكيد ✓");
    expect([...packed].every((character) => character.charCodeAt(0) < 256)).toBe(true);
  });
});
