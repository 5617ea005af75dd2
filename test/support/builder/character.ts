import fc from "fast-check";

const FIRST_SURROGATE = 0xd800;
const SURROGATES = 0x800;

/**
 * Any character that UTF-8 can encode. fast-check's own unit `binary` has the same characters, but lists all of them before
 * the first sample: that takes 1–3 s of processor time.
 */
export const character: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10_ffff - SURROGATES })
  .map((n) => String.fromCodePoint(n < FIRST_SURROGATE ? n : n + SURROGATES));
