import { escapeHtml } from "../../../platform/html.ts";
import type { Branding } from "../../branding.ts";
import { MAX_CODE_LENGTH, type VoucherPreview } from "../../voucher/voucher.ts";
import { htmlDocument, languageLink } from "./document.ts";
import { formatInstant, type Language } from "./language.ts";
import { createRedeemText, type RedeemText } from "./redeem-text.ts";
import {
  brandMark,
  brandStyle,
  iconLink,
  imageSource,
  memoizeLast,
  policyHash,
  readPart,
  readStyle,
} from "./theme.ts";

/** The page's content: an offer, a voucher that begins later or has ended, an invalid code, or a request to wait. */
export type RedeemState =
  | { kind: "offer"; voucher: VoucherPreview; expiresAt: Date | null }
  | { kind: "scheduled"; voucher: VoucherPreview; startsAt: Date }
  | { kind: "ended"; voucher: VoucherPreview }
  | { kind: "not-valid" }
  | { kind: "blank" }
  /**
   * The page tries again after the sum of both times. `spreadS` is random, so that visitors behind one address do not all
   * return at once.
   */
  | { kind: "busy"; retryAfterS: number; spreadS: number }
  | { kind: "unavailable" };

export interface RedeemView {
  state: RedeemState;
  /** The requested code. The link to the other language and the next try contain it. */
  code: string;
  language: Language;
}

export interface RedeemPage {
  html: string;
  headers: Record<string, string>;
}

/** No voucher has a longer code, and links must stay short. */
const MAX_CARRIED_CODE = 128;

/**
 * A page that works without a script and loads only the Sovereign's logo. Its Content-Security-Policy enforces that. The script
 * adds three things: it stores the code for the marketplace, it copies the code, and a page that waits reloads only while
 * it is visible.
 */
export function createRedeemPage(deps: { sovereignFqdn: string; currency: string }) {
  const { sovereignFqdn } = deps;
  const texts = createRedeemText(deps.currency);
  const sheet = readStyle("base.css") + readStyle("redeem.css");
  const script = readPart("redeem.js");
  const scriptHash = policyHash(script);
  // Compared by value, because an embedding process reads the branding again for each request.
  const dress = memoizeLast((json: string) => {
    const branding: Branding = JSON.parse(json);
    const style = brandStyle(branding.colour) + sheet;
    return {
      style,
      brand: brandMark(branding, sovereignFqdn),
      icon: iconLink(branding, sovereignFqdn),
      policy: `default-src 'none'; style-src ${policyHash(style)}; img-src ${imageSource(branding)}; script-src ${scriptHash}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
    };
  });

  return (view: RedeemView, branding: Branding): RedeemPage => {
    const { state, code, language } = view;
    const text = texts[language];
    const { style, brand, icon, policy } = dress(JSON.stringify(branding));
    const { title, body } = contentOf(view, text, branding.hostname ?? sovereignFqdn);
    const html = htmlDocument({
      language,
      title,
      brandName: brand.name,
      head: `${icon}${state.kind === "busy" ? `\n<noscript><meta http-equiv="refresh" content="${waitOf(state)}"></noscript>` : ""}
<style>${style}</style>`,
      body: `<header class="top"><div class="brand">${brand.html}</div>${languageLink(language, text.languageLabel, (other) => linkTo(other, code))}</header>
<main data-state="${state.kind}">
${body}
</main>
<footer>${escapeHtml(sovereignFqdn)}${helpLink(text, branding)}</footer>
<script type="module">${script}</script>`,
    });
    return {
      html,
      headers: {
        "Content-Security-Policy": policy,
        "Content-Language": language,
        "Referrer-Policy": "no-referrer",
        Vary: "Accept-Language",
      },
    };
  };
}

const waitOf = ({ retryAfterS, spreadS }: { retryAfterS: number; spreadS: number }) => retryAfterS + spreadS;

function contentOf(view: RedeemView, text: RedeemText, signUpHost: string): { title: string; body: string } {
  const { state, code, language } = view;
  switch (state.kind) {
    case "offer": {
      const { voucher } = state;
      const amount = text.amount(voucher.credit_omr);
      const linkAt = (page: string) =>
        escapeHtml(`https://${signUpHost}/${page}?voucher=${encodeURIComponent(voucher.code)}`);
      return {
        title: text.offer.title(amount),
        body: `<article class="ticket">
<div class="offer">
<h1>${phrase("lead", text.offer.before)}${phrase("amount", amount)}${phrase("lead", text.offer.after)}</h1>
${descriptionOf(language, voucher.description)}${state.expiresAt === null ? "" : `<p class="until">${escapeHtml(text.validUntil)} ${timeOf(language, state.expiresAt)}</p>\n`}</div>
<div class="stub">
<p class="label" id="code-label">${escapeHtml(text.codeLabel)}</p>
<div class="code"><code dir="ltr" aria-labelledby="code-label" data-voucher="${escapeHtml(voucher.code)}">${escapeHtml(voucher.code)}</code><button class="quiet" type="button" data-copied="${escapeHtml(text.copied)}" hidden>${escapeHtml(text.copy)}</button></div>
<a class="action" href="${linkAt("signup")}" rel="noreferrer">${escapeHtml(text.signUp)}</a>
<p class="sign-in">${escapeHtml(text.hasAccount)} <a href="${linkAt("login")}" rel="noreferrer">${escapeHtml(text.signIn)}</a></p>
<ol class="steps">${text.steps.map((step) => `<li>${escapeHtml(step)}</li>`).join("")}</ol>
</div>
</article>`,
      };
    }
    case "scheduled": {
      const { voucher, startsAt } = state;
      const { title, before, after } = text.scheduled;
      return {
        title,
        body: `<article class="card">
<h1>${escapeHtml(title)}</h1>
${descriptionOf(language, voucher.description)}<p>${escapeHtml(before)} <code dir="ltr">${escapeHtml(voucher.code)}</code> ${escapeHtml(after(text.amount(voucher.credit_omr)))} ${timeOf(language, startsAt)}.</p>
${retryLink(text, language, code)}
</article>`,
      };
    }
    case "ended": {
      const { voucher } = state;
      const { title, before, after } = text.ended;
      return {
        title,
        body: `<article class="ticket over">
<div class="offer">
<h1>${escapeHtml(title)}</h1>
${descriptionOf(language, voucher.description)}<p>${escapeHtml(before)} <code dir="ltr">${escapeHtml(voucher.code)}</code> ${escapeHtml(after(text.amount(voucher.credit_omr)))}</p>
</div>
<div class="stub">
<h2>${escapeHtml(text.anotherCode)}</h2>
${formOf(text, language, "")}
</div>
</article>`,
      };
    }
    case "not-valid":
      return cardOf(text.notValid.title, text.notValid.hint, formOf(text, language, carried(code), true));
    case "blank":
      return cardOf(text.blank.title, text.blank.hint, formOf(text, language, ""));
    case "busy": {
      const wait = waitOf(state);
      const retry = retryLink(text, language, code, ` data-retry="${wait}"`);
      return cardOf(text.busy.title, text.busy.hint(wait), retry);
    }
    case "unavailable":
      return cardOf(text.unavailable.title, text.unavailable.hint, retryLink(text, language, code));
  }
}

function cardOf(title: string, hint: string, rest: string): { title: string; body: string } {
  return {
    title,
    body: `<article class="card">
<h1>${escapeHtml(title)}</h1>
<p id="hint">${escapeHtml(hint)}</p>
${rest}
</article>`,
  };
}

/** A moment in UTC. The script shows it in the visitor's own time. */
const timeOf = (language: Language, at: Date) =>
  `<time datetime="${at.toISOString()}">${escapeHtml(formatInstant(language, at))}</time>`;

function formOf(text: RedeemText, language: Language, code: string, isWrong = false): string {
  return `<form action="/redeem" method="get">
<input type="hidden" name="lang" value="${language}">
<label for="code">${escapeHtml(text.fieldLabel)}</label>
<input id="code" name="code" value="${escapeHtml(code)}" dir="ltr" required maxlength="${MAX_CODE_LENGTH}" autocomplete="off" autocapitalize="characters" spellcheck="false"${isWrong ? ' aria-invalid="true" aria-describedby="hint"' : ""}>
<button class="action">${escapeHtml(text.lookUp)}</button>
</form>`;
}

const retryLink = (text: RedeemText, language: Language, code: string, attributes = "") =>
  `<a class="action" href="${escapeHtml(linkTo(language, code))}"${attributes}>${escapeHtml(text.tryAgain)}</a>`;

function linkTo(language: Language, code: string): string {
  const known = carried(code);
  return `/redeem?${known === "" ? "" : `code=${encodeURIComponent(known)}&`}lang=${language}`;
}

const carried = (code: string) => (code.length > MAX_CARRIED_CODE ? "" : code);

const phrase = (name: string, text: string) =>
  text === "" ? "" : `<span class="${name}">${escapeHtml(text)}</span> `;

function descriptionOf(language: Language, description: string): string {
  const words = wordsIn(language, description);
  return words === "" ? "" : `<p class="description"><bdi>${escapeHtml(words)}</bdi></p>\n`;
}

/**
 * The lines of a description in the page's language: Arabic ones on the Arabic page, the others on the English page. A
 * description in one language only is shown on both.
 */
function wordsIn(language: Language, description: string): string {
  const lines = description.split(/\r?\n/).map((line) => line.trim());
  const own = lines.filter((line) => line !== "" && isArabic(line) === (language === "ar"));
  return (own.length > 0 ? own : lines).join(" ").trim();
}

/** The first letter decides, as it does for a browser's direction of text: an English line may contain an Arabic name. */
const isArabic = (line: string) => /\p{Script=Arabic}/u.test(/\p{L}/u.exec(line)?.[0] ?? "");

const helpLink = (text: RedeemText, { helpUrl }: Branding) =>
  helpUrl === undefined
    ? ""
    : ` · <a href="${escapeHtml(helpUrl)}" rel="noreferrer">${escapeHtml(text.help)}</a>`;
