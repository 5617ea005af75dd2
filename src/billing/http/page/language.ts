export type Language = "en" | "ar";

export const LANGUAGES: Readonly<
  Record<Language, { direction: "ltr" | "rtl"; name: string; locale: string }>
> = {
  en: { direction: "ltr", name: "English", locale: "en-OM" },
  ar: { direction: "rtl", name: "العربية", locale: "ar-OM" },
};

/** A phrase with a number, by CLDR's plural categories. `{n}` stands for the number. */
export type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** The language of `?lang=`, otherwise the first supported one of Accept-Language by weight, otherwise English. */
export function chooseLanguage(
  asked: string | undefined,
  acceptLanguage: string | string[] | undefined,
): Language {
  if (asked !== undefined && isLanguage(asked)) return asked;
  const accepted = String(acceptLanguage ?? "")
    .slice(0, 1_000)
    .split(",")
    .map((entry) => {
      const [tag = "", ...parameters] = entry
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      const weight = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
      return { language: tag.replace(/-.*$/, ""), weight: Number.isNaN(weight) ? 0 : weight };
    })
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight);
  for (const { language } of accepted) if (isLanguage(language)) return language;
  return "en";
}

const isLanguage = (text: string): text is Language => Object.hasOwn(LANGUAGES, text);

const numbers = formats((locale) => new Intl.NumberFormat(locale));
const rules = formats((locale) => new Intl.PluralRules(locale));
const instants = formats(
  (locale) =>
    new Intl.DateTimeFormat(locale, {
      dateStyle: "long",
      timeStyle: "short",
      timeZone: "UTC",
    }),
);

export function formatNumber(language: Language, value: number): string {
  return numbers[language].format(value);
}

/** A day and a time in UTC. The text contains "UTC". */
export function formatInstant(language: Language, at: Date): string {
  return `${instants[language].format(at)} UTC`;
}

export function formatPlural(language: Language, value: number, plural: Plural): string {
  const phrase = plural[rules[language].select(value)] ?? plural.other;
  return phrase.replace("{n}", formatNumber(language, value));
}

function formats<T>(create: (locale: string) => T): Record<Language, T> {
  return { en: create(LANGUAGES.en.locale), ar: create(LANGUAGES.ar.locale) };
}
