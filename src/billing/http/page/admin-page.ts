import { createHash } from "node:crypto";
import type { Branding } from "../../branding.ts";
import { createAdminAssets } from "./admin-asset.ts";
import { ADMIN_TEXT, type AdminShellText } from "./admin-text.ts";
import { currencyName } from "./amount.ts";
import { htmlDocument, languageLink } from "./document.ts";
import { escapeHtml, scriptJson } from "./html.ts";
import { LANGUAGES, type Language } from "./language.ts";
import { brandMark, brandStyle, iconLink, imageSource, policyHash, rememberLast } from "./theme.ts";

/** The issuer where administrators sign in, with a public client. */
export interface AdminSignIn {
  issuer: string;
  clientId: string;
}

export interface AdminPage {
  html: string;
  etag: string;
  headers: Record<string, string>;
}

/**
 * The administrators' page: a shell in the visitor's language, equal for all visitors. Its script modules call the API. It is
 * rendered once for each language and branding. It may connect only to this service and, where OIDC is configured, to
 * the issuer.
 */
export function createAdminPage(deps: {
  sovereignFqdn: string;
  currency: string;
  signIn?: AdminSignIn | undefined;
}) {
  const { sovereignFqdn, currency, signIn } = deps;
  const assets = createAdminAssets();
  const connect = signIn === undefined ? "'self'" : `'self' ${new URL(signIn.issuer).origin}`;

  function render(language: Language, branding: Branding): AdminPage {
    const { script } = ADMIN_TEXT[language];
    const shell = shellIn(language, currency);
    const { locale } = LANGUAGES[language];
    const brand = brandMark(branding, sovereignFqdn);
    const theme = brandStyle(branding.colour);
    const settings = { locale, currency, signIn: signIn ?? null, text: script };
    const html = htmlDocument({
      language,
      title: shell.title,
      brandName: brand.name,
      head: `${iconLink(branding, sovereignFqdn)}
<style>${theme}</style>
<link rel="stylesheet" href="${assets.stylePath}">
${assets.modulePaths.map((path) => `<link rel="modulepreload" href="${path}">`).join("\n")}
<script type="application/json" id="settings">${scriptJson(settings)}</script>
<script type="module" src="${assets.mainPath}"></script>`,
      body: `${headerOf(shell, language, brand.html)}
<main>
<noscript><p class="card notice">${escapeHtml(shell.noScript)}</p></noscript>
${signInOf(shell, signIn !== undefined)}
${consoleOf(shell)}
</main>
${dialogsOf(shell)}
<p id="notice" role="status" dir="auto"></p>
<footer>${escapeHtml(sovereignFqdn)}</footer>`,
    });
    return {
      html,
      etag: `"${createHash("sha256").update(html).digest("base64url")}"`,
      headers: {
        "Content-Security-Policy": `default-src 'none'; style-src 'self' ${policyHash(theme)}; img-src ${imageSource(branding)}; script-src 'self'; connect-src ${connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
        "Content-Language": language,
        "Cache-Control": "no-cache",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        Vary: "Accept-Language",
      },
    };
  }

  const remembered = {
    en: rememberLast((branding: string) => render("en", JSON.parse(branding))),
    ar: rememberLast((branding: string) => render("ar", JSON.parse(branding))),
  };
  return {
    assets,
    page: (language: Language, branding: Branding): AdminPage =>
      remembered[language](JSON.stringify(branding)),
  };
}

function shellIn(language: Language, currency: string): AdminShellText {
  const { shell } = ADMIN_TEXT[language];
  return { ...shell, creditOmr: shell.creditOmr.replace("{currency}", currencyName(language, currency)) };
}

function headerOf(text: AdminShellText, language: Language, brand: string): string {
  return `<header class="top"><div class="brand">${brand}</div>
<div class="account"><span id="who" class="mono" dir="auto"></span>
${languageLink(language, text.language, (other) => `/admin?lang=${other}`)}
<button class="quiet" type="button" id="sign-out" hidden>${escapeHtml(text.signOut)}</button></div></header>`;
}

function signInOf(text: AdminShellText, hasIssuer: boolean): string {
  const issuer = `<button class="action" type="button" id="issuer-sign-in">${escapeHtml(text.signInWith)}</button>
<p class="or"><span>${escapeHtml(text.or)}</span></p>`;
  return `<section id="signed-out" class="card sign-in" hidden>
<h1>${escapeHtml(text.title)}</h1>
<p class="muted">${escapeHtml(text.intro)}</p>
<p id="sign-in-problem" class="problem" role="alert" dir="auto" hidden></p>
${hasIssuer ? issuer : ""}
<form id="token-form">
<label for="token">${escapeHtml(text.tokenLabel)}</label>
<input id="token" type="password" dir="ltr" required autocomplete="off" spellcheck="false" aria-describedby="token-hint">
<p class="hint" id="token-hint">${escapeHtml(text.tokenHint)}</p>
<button class="${hasIssuer ? "quiet" : "action"}">${escapeHtml(text.signIn)}</button>
</form>
</section>`;
}

function consoleOf(text: AdminShellText): string {
  const heading = (cells: readonly string[]) =>
    `<thead role="rowgroup"><tr role="row">${cells.map((cell) => `<th role="columnheader" scope="col">${escapeHtml(cell)}</th>`).join("")}</tr></thead>`;
  const table = (id: string, labelledBy: string, cells: readonly string[]) =>
    `<table role="table" aria-labelledby="${labelledBy}">${heading(cells)}<tbody role="rowgroup" id="${id}"></tbody></table>`;
  return `<div id="signed-in" hidden>
<h1 class="hidden-text">${escapeHtml(text.title)}</h1>
<ul class="tiles" id="tiles"></ul>
<section class="card" aria-labelledby="redemptions-title">
<div class="head"><h2 id="redemptions-title">${escapeHtml(text.redemptions)}</h2>
<div class="choice" role="group" aria-label="${escapeHtml(text.period)}" id="period"></div></div>
<div id="chart"></div>
<details><summary>${escapeHtml(text.showTable)}</summary>
<p class="hint">${escapeHtml(text.redemptionsHint)}</p>
<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(text.redemptionsByDay)}">${table("redemption-rows", "redemptions-title", [text.day, text.redemptions, text.granted])}</div></details>
</section>
<section class="card" aria-labelledby="vouchers-title">
<div class="head"><h2 id="vouchers-title">${escapeHtml(text.vouchers)}</h2>
<div class="tools"><input id="search" type="search" aria-label="${escapeHtml(text.search)}" placeholder="${escapeHtml(text.search)}" autocomplete="off" spellcheck="false">
<button class="action" type="button" id="issue">${escapeHtml(text.issue)}</button></div></div>
${table("voucher-rows", "vouchers-title", [text.code, text.credit, text.redeemed, text.status, text.actions])}
<p class="empty" id="voucher-empty" hidden></p>
<button class="quiet more" type="button" id="voucher-more" hidden>${escapeHtml(text.more)}</button>
</section>
<div class="pair">
<section class="card" aria-labelledby="balances-title">
<div class="head"><h2 id="balances-title">${escapeHtml(text.balances)}</h2></div>
${table("balance-rows", "balances-title", [text.customer, text.balance])}
<p class="empty" id="balance-empty" hidden></p>
<button class="quiet more" type="button" id="balance-more" hidden>${escapeHtml(text.more)}</button>
</section>
<section class="card" aria-labelledby="orders-title">
<div class="head"><h2 id="orders-title">${escapeHtml(text.orders)}</h2></div>
${table("order-rows", "orders-title", [text.order, text.status, text.amount])}
<p class="empty" id="order-empty" hidden></p>
</section>
</div>
</div>`;
}

function dialogsOf(text: AdminShellText): string {
  const field = (id: string, label: string, input: string, hint = "") =>
    `<div class="field"><label for="${id}">${escapeHtml(label)}</label><input id="${id}"${hint === "" ? "" : ` aria-describedby="${id}-hint"`} ${input}>${hint === "" ? "" : `<p class="hint" id="${id}-hint">${escapeHtml(hint)}</p>`}</div>`;
  return `<dialog id="issue-dialog" aria-labelledby="issue-title"><form id="issue-form">
<h2 id="issue-title">${escapeHtml(text.issueTitle)}</h2>
<p class="problem" id="issue-problem" role="alert" dir="auto" hidden></p>
${field("issue-credit", text.creditOmr, 'type="number" min="1" max="2147483647" step="1" required inputmode="numeric" dir="ltr"')}
${field("issue-description", text.description, 'maxlength="10000" dir="auto"')}
<div class="fields">${field("issue-code", text.codeOptional, 'maxlength="64" dir="ltr" autocomplete="off" autocapitalize="characters" spellcheck="false"', text.codeHint)}
${field("issue-cap", text.cap, 'type="number" min="0" max="2147483647" step="1" value="0" required inputmode="numeric" dir="ltr"', text.capHint)}
${field("issue-starts", text.startsAt, 'type="datetime-local"')}
${field("issue-expires", text.expiresAt, 'type="datetime-local"')}</div>
<p class="hint">${escapeHtml(text.issueHint)}</p>
<div class="buttons"><button class="quiet" type="button" data-close>${escapeHtml(text.cancel)}</button><button class="action">${escapeHtml(text.issue)}</button></div>
</form></dialog>
<dialog id="link-dialog" aria-labelledby="link-title">
<h2 id="link-title">${escapeHtml(text.linkTitle)}</h2>
<p class="mono code" id="link-code" dir="ltr"></p>
<div id="qr"></div>
<input id="link" readonly dir="ltr" aria-labelledby="link-title">
<div class="buttons"><button class="quiet" type="button" data-close>${escapeHtml(text.close)}</button><button class="action" type="button" id="link-copy">${escapeHtml(text.copyLink)}</button></div>
</dialog>
<dialog id="revoke-dialog" aria-labelledby="revoke-title" aria-describedby="revoke-hint">
<h2 id="revoke-title">${escapeHtml(text.revokeTitle)}</h2>
<p class="mono code" id="revoke-code" dir="ltr"></p>
<p class="muted" id="revoke-hint">${escapeHtml(text.revokeHint)}</p>
<p class="problem" id="revoke-problem" role="alert" dir="auto" hidden></p>
<div class="buttons"><button class="quiet" type="button" data-close>${escapeHtml(text.cancel)}</button><button class="action danger" type="button" id="revoke-confirm">${escapeHtml(text.revoke)}</button></div>
</dialog>`;
}
