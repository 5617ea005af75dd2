/** Shared by all panels: the page's settings and texts, numbers in its language, and elements by id. */

/** @typedef {Readonly<Record<string, string>>} Plural */
/** @typedef {import("../admin-text.ts").AdminText["script"]} AdminScriptText */
/** @typedef {{ locale: string, currency: string, signIn: { issuer: string, clientId: string } | null, text: AdminScriptText }} Settings */

/** @type {Settings} */
const settings = JSON.parse(byId("settings").textContent ?? "");

export const { signIn, text, locale } = settings;

/**
 * The element with this id. Throws when the page has no such element of this class.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {{ new (): T }} [kind]
 * @returns {T}
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof (kind ?? HTMLElement))) throw new Error(`the page has no such element: ${id}`);
  return /** @type {T} */ (element);
}

/**
 * An element with its attributes and children. A string child becomes text: nothing here parses HTML.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | undefined>} [attributes]
 * @param {(Node | string)[]} children
 */
export function create(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

const numberFormat = new Intl.NumberFormat(locale);
const moneyFormat = new Intl.NumberFormat(locale, {
  style: "currency",
  currency: settings.currency,
  // Amounts are thousandths, also of currencies with fewer decimal places.
  maximumFractionDigits: 3,
  trailingZeroDisplay: "stripIfInteger",
});
const dayFormat = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
const timeFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const pluralRules = new Intl.PluralRules(locale);

/** @param {number} value */
export const formatNumber = (value) => numberFormat.format(value);
/** @param {number} baisa */
export const formatBaisa = (baisa) => moneyFormat.format(baisa / 1000);
/** @param {string} date */
export const formatDay = (date) => dayFormat.format(new Date(`${date}T00:00:00Z`));
/** @param {string | null} time */
export const formatTime = (time) => (time === null ? "" : timeFormat.format(new Date(time)));

/**
 * Replaces each `{name}` in a phrase by the member of `values` with that name.
 * @param {string} phrase
 * @param {Record<string, string>} values
 */
export function fill(phrase, values) {
  return phrase.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/**
 * @param {Plural} plural
 * @param {number} value
 * @param {Record<string, string>} [values]
 */
export function fillPlural(plural, value, values = {}) {
  return fill(plural[pluralRules.select(value)] ?? plural.other ?? "", { n: formatNumber(value), ...values });
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let noticeTimer;

/**
 * Shows a message for 6 s. Screen readers read it aloud.
 * @param {string} message
 */
export function notify(message) {
  clearTimeout(noticeTimer);
  byId("notice").textContent = message;
  noticeTimer = setTimeout(() => {
    byId("notice").textContent = "";
  }, 6000);
}

/**
 * Shows a problem in its place, or clears it when there is no message.
 * @param {string} id
 * @param {string} [message]
 */
export function showProblem(id, message) {
  const element = byId(id);
  element.textContent = message ?? "";
  element.hidden = message === undefined;
}

/**
 * A table row. Its roles are explicit, because a narrow screen shows the row as a card.
 * @param {(Node | string | (Node | string)[])[]} cells
 */
export function row(...cells) {
  return create(
    "tr",
    { role: "row" },
    ...cells.map((cell) => create("td", { role: "cell" }, ...[cell].flat())),
  );
}
