/** What all panels share: the page's settings and words, numbers in its language, and elements by id. */

const settings = JSON.parse(document.getElementById("settings").textContent);

export const { signIn, text, locale } = settings;

export const byId = (id) => document.getElementById(id);

/** An element with its attributes and children. Texts become text: nothing here reads HTML. */
export function create(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const numberFormat = new Intl.NumberFormat(locale);
const moneyFormat = new Intl.NumberFormat(locale, {
  style: "currency",
  currency: "OMR",
  trailingZeroDisplay: "stripIfInteger",
});
const dayFormat = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
const timeFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const pluralRules = new Intl.PluralRules(locale);

export const formatNumber = (value) => numberFormat.format(value);
export const formatBaisa = (baisa) => moneyFormat.format(baisa / 1000);
export const formatDay = (date) => dayFormat.format(new Date(`${date}T00:00:00Z`));
export const formatTime = (time) => (time === null ? "" : timeFormat.format(new Date(time)));

/** `{name}` in a phrase, replaced by what `values` has under that name. */
export function fill(phrase, values) {
  return phrase.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

export function fillPlural(plural, value, values = {}) {
  return fill(plural[pluralRules.select(value)] ?? plural.other, { n: formatNumber(value), ...values });
}

let noticeTimer;

/** Says something in passing; screen readers hear it too. */
export function notify(message) {
  clearTimeout(noticeTimer);
  byId("notice").textContent = message;
  noticeTimer = setTimeout(() => {
    byId("notice").textContent = "";
  }, 6000);
}

/** Shows a problem in its place, or clears it. */
export function showProblem(id, message) {
  const element = byId(id);
  element.textContent = message ?? "";
  element.hidden = message === undefined;
}

/** A row of a table whose roles hold also where a narrow screen shows it as a card. */
export function row(...cells) {
  return create(
    "tr",
    { role: "row" },
    ...cells.map((cell) => create("td", { role: "cell" }, ...[cell].flat())),
  );
}
