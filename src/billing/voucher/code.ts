import { randomInt } from "node:crypto";

/** Symbols that cannot be confused: without I, L, O, U, 0 and 1. 30 symbols, 4.9 bits each. */
const SYMBOLS = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
/** Twelve symbols have 58.8 random bits. */
export const SYMBOL_COUNT = 12;

/** Twelve random symbols, uniformly distributed. */
export function drawSymbols(): string {
  return Array.from({ length: SYMBOL_COUNT }, () => SYMBOLS[randomInt(SYMBOLS.length)]).join("");
}

const DRAWN = new RegExp(`^([${SYMBOLS}]{4}-){2}[${SYMBOLS}]{4}$`);
const DRAWN_UNDASHED = new RegExp(`[${SYMBOLS}]{${SYMBOL_COUNT}}$`);

/**
 * A generated code without its dashes, if the key may be one in another form. A key with a prefix always may: the prefix of
 * the stored code can have other dashes.
 */
export function undashedOf(key: string): string | undefined {
  const undashed = withoutDashes(key);
  return !DRAWN.test(key) && DRAWN_UNDASHED.test(undashed) ? undashed : undefined;
}

/** Whether two keys may mean one voucher: they are equal, or one generated code with other dashes and blanks. */
export function mayMeanOne(key: string, other: string): boolean {
  const undashed = withoutDashes(key);
  return key === other || (DRAWN_UNDASHED.test(undashed) && undashed === withoutDashes(other));
}

const withoutDashes = (key: string): string => key.replace(/[\s-]+/gu, "");

/** A code from symbols, in groups: `XXXX-XXXX-XXXX`, after the prefix and a dash if there is a prefix. */
export function codeOfSymbols(symbols: string, prefix = ""): string {
  const groups = symbols.replace(/.{4}(?=.)/g, "$&-");
  return prefix === "" ? groups : `${prefix}-${groups}`;
}
