import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { escapeHtml } from "../../../platform/html.ts";
import type { Branding } from "../../branding.ts";
import { brandPalette } from "./colour.ts";

const DEFAULT_COLOUR = "#1f5fbf";

/** A file beside this one. It is read once, when the service is created. */
export function readPart(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

/** A style sheet without comments and without unnecessary blanks. */
export function readStyle(name: string): string {
  return readPart(name)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\s+/g, " ")
    .replace(/ ?([{};,]) ?/g, "$1")
    .trim();
}

/** The source expression `'sha256-…'` of an inline style or script, for a Content-Security-Policy. */
export function policyHash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** The variables of base.css that depend on the Sovereign's colour, for light and dark. */
export function brandStyle(colour: string = DEFAULT_COLOUR): string {
  const block = (scheme: "light" | "dark") => {
    const { fill, onFill, text } = brandPalette(colour, scheme);
    return `:root{--brand:${fill};--on-brand:${onFill};--brand-text:${text}}`;
  };
  return `${block("light")}@media (prefers-color-scheme:dark){${block("dark")}}`;
}

/** Caches the result for the last key. One is enough, because branding rarely changes. */
export function memoizeLast<Key, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  let last: { key: Key; value: Value } | undefined;
  return (key) => {
    if (last === undefined || last.key !== key) last = { key, value: compute(key) };
    return last.value;
  };
}

/** The name on the page, with the logo or, without a logo, the name's first letter. */
export function brandMark(branding: Branding, sovereignFqdn: string): { name: string; html: string } {
  const name = branding.displayName ?? sovereignFqdn;
  const mark =
    branding.logoUrl === undefined
      ? `<span class="monogram" aria-hidden="true">${escapeHtml(firstLetter(name))}</span>`
      : `<img class="logo" src="${escapeHtml(branding.logoUrl)}" alt="" height="40" referrerpolicy="no-referrer">`;
  return { name, html: `${mark}<span class="brand-name" dir="auto">${escapeHtml(name)}</span>` };
}

/** The page's icon: the logo or, without a logo, the letter as an inline image. */
export function iconLink(branding: Branding, sovereignFqdn: string): string {
  if (branding.logoUrl !== undefined) {
    return `<link rel="icon" href="${escapeHtml(branding.logoUrl)}" referrerpolicy="no-referrer">`;
  }
  const { fill, onFill } = brandPalette(branding.colour ?? DEFAULT_COLOUR, "light");
  const letter = escapeHtml(firstLetter(branding.displayName ?? sovereignFqdn));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${fill}"/><text x="16" y="23" text-anchor="middle" font-family="sans-serif" font-weight="700" font-size="20" fill="${onFill}">${letter}</text></svg>`;
  return `<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(svg.toWellFormed())}">`;
}

/** `img-src`: the logo's origin, or only inline images when there is no logo address. */
export function imageSource({ logoUrl }: Branding): string {
  return logoUrl?.startsWith("https://") ? new URL(logoUrl).origin : "data:";
}

function firstLetter(name: string): string {
  const [first] = new Intl.Segmenter().segment(name.trim());
  return (first?.segment ?? "").toLocaleUpperCase("en").slice(0, 8);
}
