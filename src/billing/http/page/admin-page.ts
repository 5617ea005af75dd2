import { createHash } from "node:crypto";
import { escapeHtml, scriptJson } from "../../../platform/html.ts";
import type { Branding } from "../../branding.ts";
import { createAdminAssets } from "./admin-asset.ts";
import { adminDialogs } from "./admin-dialog.ts";
import type { AdminShellText, AdminText } from "./admin-text.ts";
import { ADMIN_TEXT_AR } from "./admin-text-ar.ts";
import { ADMIN_TEXT_EN } from "./admin-text-en.ts";
import { currencyName } from "./amount.ts";
import { htmlDocument, languageLink } from "./document.ts";
import { LANGUAGES, type Language } from "./language.ts";
import { brandMark, brandStyle, iconLink, imageSource, memoizeLast, policyHash } from "./theme.ts";

const ADMIN_TEXT: Readonly<Record<Language, AdminText>> = { en: ADMIN_TEXT_EN, ar: ADMIN_TEXT_AR };

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
    const text = textIn(language, currency);
    const { shell, script } = text;
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
${consoleOf(text)}
</main>
${adminDialogs(shell)}
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

  const rendered = {
    en: memoizeLast((branding: string) => render("en", JSON.parse(branding))),
    ar: memoizeLast((branding: string) => render("ar", JSON.parse(branding))),
  };
  return {
    assets,
    page: (language: Language, branding: Branding): AdminPage => rendered[language](JSON.stringify(branding)),
  };
}

function textIn(language: Language, currency: string): AdminText {
  const { shell, script } = ADMIN_TEXT[language];
  const creditOmr = shell.creditOmr.replace("{currency}", currencyName(language, currency));
  const { fields } = script;
  return {
    shell: { ...shell, creditOmr },
    script: { ...script, fields: { ...fields, credit_omr: { ...fields.credit_omr, label: creditOmr } } },
  };
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

function tableOf(id: string, labelledBy: string, cells: readonly string[]): string {
  const heading = cells
    .map((cell) => `<th role="columnheader" scope="col">${escapeHtml(cell)}</th>`)
    .join("");
  return `<table role="table" aria-labelledby="${labelledBy}"><thead role="rowgroup"><tr role="row">${heading}</tr></thead><tbody role="rowgroup" id="${id}"></tbody></table>`;
}

function consoleOf(text: AdminText): string {
  const { shell } = text;
  return `<div id="signed-in" hidden>
<h1 class="hidden-text">${escapeHtml(shell.title)}</h1>
<div id="overview">
<ul class="tiles" id="tiles"></ul>
<section class="card" aria-labelledby="redemptions-title">
<div class="head"><h2 id="redemptions-title">${escapeHtml(shell.redemptions)}</h2>
<div class="choice" role="group" aria-label="${escapeHtml(shell.period)}" id="period"></div></div>
<div id="chart"></div>
<details><summary>${escapeHtml(shell.showTable)}</summary>
<p class="hint">${escapeHtml(shell.redemptionsHint)}</p>
<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(shell.redemptionsByDay)}">${tableOf("redemption-rows", "redemptions-title", [shell.day, shell.redemptions, shell.granted])}</div></details>
</section>
${voucherListOf(text)}
<div class="pair" id="money" hidden>
<section class="card" aria-labelledby="balances-title">
<div class="head"><h2 id="balances-title">${escapeHtml(shell.balances)}</h2></div>
${tableOf("balance-rows", "balances-title", [shell.customer, shell.balance])}
<p class="empty" id="balance-empty" hidden></p>
<button class="quiet more" type="button" id="balance-more" hidden>${escapeHtml(shell.more)}</button>
</section>
<section class="card" aria-labelledby="orders-title">
<div class="head"><h2 id="orders-title">${escapeHtml(shell.orders)}</h2></div>
${tableOf("order-rows", "orders-title", [shell.order, shell.status, shell.amount])}
<p class="empty" id="order-empty" hidden></p>
</section>
</div>
</div>
${voucherPageOf(shell)}
</div>`;
}

function voucherListOf({ shell, script }: AdminText): string {
  const standings = Object.entries(script.standing)
    .map(([name, label]) => `<option value="${name}">${escapeHtml(label)}</option>`)
    .join("");
  return `<section class="card" aria-labelledby="vouchers-title">
<div class="head"><h2 id="vouchers-title">${escapeHtml(shell.vouchers)}</h2>
<div class="tools"><select id="standing" aria-label="${escapeHtml(shell.standing)}"><option value="">${escapeHtml(shell.all)}</option>${standings}</select>
<input id="search" type="search" aria-label="${escapeHtml(shell.search)}" placeholder="${escapeHtml(shell.search)}" autocomplete="off" spellcheck="false">
<button class="quiet" type="button" id="bulk" data-write>${escapeHtml(shell.bulkIssue)}</button>
<button class="action" type="button" id="issue" data-write>${escapeHtml(shell.issue)}</button></div></div>
${tableOf("voucher-rows", "vouchers-title", [shell.code, shell.credit, shell.redeemed, shell.status, shell.actions])}
<p class="empty" id="voucher-empty" hidden></p>
<button class="quiet more" type="button" id="voucher-more" hidden>${escapeHtml(shell.more)}</button>
</section>`;
}

/** One voucher with its history. Its address is `#voucher=CODE`. */
function voucherPageOf(shell: AdminShellText): string {
  return `<div id="voucher-page" hidden>
<p><a href="#" id="voucher-back">${escapeHtml(shell.back)}</a></p>
<section class="card" aria-labelledby="voucher-title">
<div class="head"><h2 id="voucher-title" class="mono" dir="ltr" tabindex="-1"></h2><span id="voucher-standing"></span>
<div class="tools row-actions" id="voucher-actions"></div></div>
<dl id="voucher-terms"></dl>
</section>
<section class="card" aria-labelledby="history-title">
<div class="head"><h2 id="history-title">${escapeHtml(shell.history)}</h2></div>
${tableOf("history-rows", "history-title", [shell.time, shell.change, shell.by])}
<button class="quiet more" type="button" id="history-more" hidden>${escapeHtml(shell.more)}</button>
</section>
</div>`;
}
