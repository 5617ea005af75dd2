import { formatNumber, formatPlural, LANGUAGES, type Language, type Plural } from "./language.ts";

// Arabic has six plural categories, and the noun changes with each. In every sentence of the pages it is in the genitive, so one
// form per category is enough. CLDR's own name for this currency is always in the singular.
const OMR_AR: Plural = {
  one: "ريال عُماني واحد",
  two: "ريالين عُمانيين",
  few: "{n} ريالات عُمانية",
  many: "{n} ريالًا عُمانيًا",
  other: "{n} ريال عُماني",
};

/** Formats whole units of the Sovereign's currency: `1,250 OMR` in English, with the currency's name in Arabic. */
export function createAmountFormat(language: Language, currency: string): (amount: number) => string {
  if (language === "en") return (amount) => `${formatNumber("en", amount)} ${currency}`;
  if (currency === "OMR") return (amount) => formatPlural("ar", amount, OMR_AR);
  const format = new Intl.NumberFormat(LANGUAGES.ar.locale, {
    ...{ style: "currency", currency, currencyDisplay: "name" },
    trailingZeroDisplay: "stripIfInteger",
  });
  return (amount) => format.format(amount);
}

/** The name of a currency in a label: its code in English, and its name in Arabic. */
export function currencyName(language: Language, currency: string): string {
  if (language === "en") return currency;
  return new Intl.DisplayNames(LANGUAGES.ar.locale, { type: "currency" }).of(currency) ?? currency;
}
