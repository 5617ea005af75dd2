import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Compresses texts that resemble each other, such as the objects of one kind. */
export interface TextPacker {
  /** A string with one byte for each character. Equal texts may have different packed forms. */
  pack(text: string): string;
  unpack(packed: string): string;
}

/** The texts that later ones are compressed against. The number limits the attempts for a text that resembles none. */
const MAX_DICTIONARIES = 8;
/**
 * A window of 8 KB, which holds a whole Deployment. The compressor allocates and clears its window and tables at each call,
 * so larger ones cost time. The result is written into a new buffer of `chunkSize` at each call: the default of 16 KB was
 * garbage of 100 times the length of a packed text.
 */
const FORM = { windowBits: 13, memLevel: 4, chunkSize: 4_096 };
/** A text that is not compressed to a third becomes a dictionary, because the next ones may resemble it. */
const GOOD_RATIO = 3;

/**
 * Each text is compressed against an earlier one. The first byte of the packed form is the number of that dictionary.
 * 3.5 KB of a Deployment take 165 bytes, because only names, uids, times and digests differ. Without a dictionary they
 * take 1.2 KB. As an object in memory they take 4.3 KB.
 */
export function createTextPacker(): TextPacker {
  const dictionaries: Buffer[] = [];
  let preferred = 0;

  function packWith(text: string, index: number): string {
    const dictionary = dictionaries[index] as Buffer;
    const deflated = deflateRawSync(text, { ...FORM, dictionary });
    return Buffer.concat([Buffer.of(index), deflated]).toString("latin1");
  }

  function addDictionary(text: string): number {
    return dictionaries.push(Buffer.from(text)) - 1;
  }

  return {
    pack(text) {
      const isGood = (packed: string) => packed.length * GOOD_RATIO <= text.length;
      if (dictionaries.length === 0) addDictionary(text);
      let best = packWith(text, preferred);
      for (let index = 0; index < dictionaries.length && !isGood(best); index += 1) {
        const other = packWith(text, index);
        if (isGood(other)) preferred = index;
        if (other.length < best.length) best = other;
      }
      if (isGood(best) || dictionaries.length === MAX_DICTIONARIES) return best;
      preferred = addDictionary(text);
      return packWith(text, preferred);
    },
    unpack(packed) {
      const bytes = Buffer.from(packed, "latin1");
      const dictionary = dictionaries[bytes[0] ?? 0];
      return inflateRawSync(bytes.subarray(1), { ...FORM, dictionary }).toString();
    },
  };
}
