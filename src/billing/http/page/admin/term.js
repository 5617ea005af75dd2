import { create, fill, formatBaisa, formatNumber, formatTime, text } from "./view.js";

/** The terms of a voucher in words, for its page, its history and the changes of an edit. */

/**
 * @typedef {object} Terms
 * @property {number} credit_omr
 * @property {string} description
 * @property {boolean} active
 * @property {number} max_redemptions
 * @property {string | null} [starts_at]
 * @property {string | null} [expires_at]
 */

/** @type {readonly (keyof Terms)[]} */
const TERMS = ["credit_omr", "description", "active", "max_redemptions", "starts_at", "expires_at"];

/**
 * @param {keyof Terms} term
 * @param {Partial<Terms>} terms
 */
function wordsOf(term, terms) {
  switch (term) {
    case "credit_omr":
      return terms.credit_omr === undefined ? text.none : formatBaisa(terms.credit_omr * 1000);
    case "description":
      return terms.description || text.none;
    case "active":
      return terms.active ? text.yes : text.no;
    case "max_redemptions":
      return terms.max_redemptions ? formatNumber(terms.max_redemptions) : text.noLimit;
    default:
      return formatTime(terms[term] ?? null) || text.none;
  }
}

/** @param {Terms} terms */
export const describeTerms = (terms) => TERMS.map((term) => [text.terms[term], wordsOf(term, terms)]);

/**
 * The terms that a change changes, in words, each before and after. Without a voucher before, its terms are listed.
 * @param {Partial<Terms> | null} before
 * @param {Partial<Terms> | null} after
 * @returns {string[]}
 */
export function describeChanges(before, after) {
  if (after === null) return [];
  if (before === null)
    return TERMS.filter((term) => term !== "active" && isSet(after[term])).map(
      (term) => `${text.terms[term]}: ${wordsOf(term, after)}`,
    );
  return TERMS.filter((term) => key(term, before) !== key(term, after)).map((term) =>
    fill(text.change, { term: text.terms[term], before: wordsOf(term, before), after: wordsOf(term, after) }),
  );
}

/**
 * The terms whose values differ. An unchanged term is not sent, so that its seconds stay.
 * @param {Partial<Terms>} before
 * @param {Partial<Terms>} after
 */
export const changedTerms = (before, after) =>
  Object.fromEntries(
    Object.entries(after).filter(([term]) => {
      const name = /** @type {keyof Terms} */ (term);
      return key(name, before) !== key(name, after);
    }),
  );

/** @param {unknown} value */
const isSet = (value) => value !== undefined && value !== null && value !== "";

/**
 * Two times are equal when they name the same minute: the form has no seconds.
 * @param {keyof Terms} term
 * @param {Partial<Terms>} terms
 */
function key(term, terms) {
  const value = terms[term];
  if (term !== "starts_at" && term !== "expires_at") return value ?? "";
  return typeof value === "string" ? Math.floor(new Date(value).getTime() / 60_000) : "";
}

/**
 * The time in which a voucher is valid, or nothing when it has no dates.
 * @param {{ starts_at?: string, expires_at?: string }} voucher
 */
export function describeDates({ starts_at, expires_at }) {
  const [from, until] = [formatTime(starts_at ?? null), formatTime(expires_at ?? null)];
  if (from === "" && until === "") return "";
  const phrase = until === "" ? text.validFrom : from === "" ? text.validUntil : text.validBetween;
  return fill(phrase, { from, until });
}

/** @param {keyof typeof text.standing} standing */
export const standingPill = (standing) =>
  create("span", { class: `pill ${standing}` }, text.standing[standing]);
