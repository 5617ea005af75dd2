import { escapeHtml } from "../../../platform/html.ts";
import { LANGUAGES, type Language } from "./language.ts";

/** The frame of a page. `title` and `brandName` are text, the rest is HTML. */
export function htmlDocument(page: {
  language: Language;
  title: string;
  brandName: string;
  head: string;
  body: string;
}): string {
  const { language, title, brandName, head, body } = page;
  return `<!doctype html>
<html lang="${language}" dir="${LANGUAGES[language].direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · ${escapeHtml(brandName)}</title>
${head}
</head>
<body>
${body}
</body>
</html>
`;
}

/** A link to the same page in the other language. `label` and `linkTo` return text. */
export function languageLink(language: Language, label: string, linkTo: (other: Language) => string): string {
  const other: Language = language === "en" ? "ar" : "en";
  const { name, direction } = LANGUAGES[other];
  return `<nav aria-label="${escapeHtml(label)}"><a class="quiet" href="${escapeHtml(linkTo(other))}" lang="${other}" dir="${direction}" hreflang="${other}">${name}</a></nav>`;
}
