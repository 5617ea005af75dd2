const ASCII_BLANKS = " \\t\\n\\r\\f\\v";
const UNICODE_BLANKS = "\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const trimOf = (blanks: string) => new RegExp(`^[${blanks}]+|[${blanks}]+$`, "g");
const TRIM_ASCII = trimOf(ASCII_BLANKS);
const TRIM_ALL = trimOf(ASCII_BLANKS + UNICODE_BLANKS);

/** Bidirectional marks, variation selectors and other characters of no width: they come with copied text, and are invisible. */
const MARKS =
  /[\u034f\ufe00-\ufe0f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;
const DASHES = /[\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d]/g;
const ARABIC_DIGITS = /[\u0660-\u0669\u06f0-\u06f9]/g;
const LOWER_CASE = /\p{Ll}/gu;
/** Longer codes are compared by ASCII alone, because the key of an adopted code must fit into an index entry. */
const MAX_FOLDED_BYTES = 512;

/**
 * The key by which codes are compared, computed from a typed or pasted code. The database function `billing_code_key` does
 * the same with stored codes, and its file has the rules. Unicode's full upper-casing would turn `ß ﬁ ı ſ` into letters of
 * other codes.
 */
export function voucherKey(code: string): string {
  const trimmed = code.replace(TRIM_ASCII, "");
  if (isAscii(trimmed)) return trimmed.toUpperCase();
  if (Buffer.byteLength(trimmed) > MAX_FOLDED_BYTES) return newCodeOf(trimmed);
  return code
    .normalize("NFC")
    .replace(ARABIC_DIGITS, (digit) => String((digit.codePointAt(0) ?? 0) & 15))
    .replace(DASHES, "-")
    .replace(MARKS, "")
    .replace(TRIM_ALL, "")
    .replace(LOWER_CASE, foldLetter);
}

/** A code as a new voucher stores it: without ASCII blanks around it, ASCII letters in upper case, and otherwise as it is. */
export function newCodeOf(code: string): string {
  return code.replace(TRIM_ASCII, "").replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

/**
 * The capital of a letter, if it is a single letter of Unicode's first plane whose lower case is the letter again. Vouchers
 * use no other letters.
 */
function foldLetter(letter: string): string {
  const capital = letter.toUpperCase();
  return capital.length === 1 && capital.toLowerCase() === letter ? capital : letter;
}

/** A loop over the characters is faster here than a regular expression. */
export function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 127) return false;
  return true;
}

const NEW_CODE = /^[A-Z0-9][A-Z0-9_-]{2,63}$/;

/** Whether a new voucher may have this code. Adopted codes of other shapes keep working. */
export function isNewCode(code: string): boolean {
  return NEW_CODE.test(code);
}
