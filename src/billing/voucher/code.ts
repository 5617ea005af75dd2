import { randomInt } from "node:crypto";

/** Nothing that is read as something else: no I, L, O and U, no 0 and 1. 30 symbols, 4.9 bits each. */
const SYMBOLS = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
/** Twelve symbols hold 58.8 random bits. */
export const SYMBOL_COUNT = 12;

/** Twelve symbols, each as likely as any other. */
export function drawSymbols(): string {
  return Array.from({ length: SYMBOL_COUNT }, () => SYMBOLS[randomInt(SYMBOLS.length)]).join("");
}

/** In groups for reading: `XXXX-XXXX-XXXX`, after the prefix and a dash where there is one. A new code in its shape. */
export function codeOfSymbols(symbols: string, prefix = ""): string {
  const groups = symbols.replace(/.{4}(?=.)/g, "$&-");
  return prefix === "" ? groups : `${prefix}-${groups}`;
}
