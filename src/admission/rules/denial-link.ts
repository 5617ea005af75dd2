/** The page that denials link to when no setting names another: a path of this repository. */
export const DEFAULT_DOCS_URL = "docs/denied.md";

/** The end of a denial: links to the sections of its rules in `docsUrl`, the page "What was denied, and what now?". */
export const seeRules = (docsUrl: string, rules: readonly string[]): string =>
  `. See ${[...new Set(rules)].map((rule) => `${docsUrl}#${rule}`).join(" ")}`;
