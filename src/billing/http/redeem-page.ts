import { createHash } from "node:crypto";
import type { Branding } from "../branding.ts";
import type { VoucherPreview } from "../voucher.ts";

/** What the page says: an offer, one that has ended, a code that is not valid, or that the visitor must wait. */
export type RedeemState =
  | { kind: "offer"; voucher: VoucherPreview }
  | { kind: "ended"; voucher: VoucherPreview }
  | { kind: "not-valid" }
  | { kind: "blank" }
  | { kind: "busy"; retryAfterS: number }
  | { kind: "unavailable" };

export interface RedeemPage {
  html: string;
  headers: Record<string, string>;
}

/** A page that needs no script and loads nothing but the Sovereign's logo; the policy in its headers holds it to that. */
export function renderRedeemPage(state: RedeemState, branding: Branding, sovereignFqdn: string): RedeemPage {
  const name = branding.displayName ?? sovereignFqdn;
  const style = styleOf(branding.colour ?? "#1f5fbf");
  const { title, body } = contentOf(state, branding.hostname ?? sovereignFqdn);
  const logo =
    branding.logoUrl === undefined ? "" : `<img class="logo" src="${escapeHtml(branding.logoUrl)}" alt="">`;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)} · ${escapeHtml(name)}</title>
<style>${style}</style>
</head>
<body>
<header>${logo}<p class="brand">${escapeHtml(name)}</p></header>
<main>
${body}
</main>
<footer><p>${escapeHtml(sovereignFqdn)}</p></footer>
</body>
</html>
`;
  const styleHash = createHash("sha256").update(style).digest("base64");
  const imageSource = branding.logoUrl?.startsWith("https://") ? new URL(branding.logoUrl).origin : "data:";
  return {
    html,
    headers: {
      "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${styleHash}'; img-src ${imageSource}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
      "Referrer-Policy": "no-referrer",
    },
  };
}

function contentOf(state: RedeemState, signUpHost: string): { title: string; body: string } {
  switch (state.kind) {
    case "offer": {
      const { code, credit_omr, description } = state.voucher;
      const signUp = `https://${signUpHost}/signup?voucher=${encodeURIComponent(code)}`;
      return {
        title: `${credit_omr} OMR for you`,
        body: `<h1>${credit_omr} OMR of credit are waiting for you</h1>
${descriptionOf(description)}<p>Your voucher: <code>${escapeHtml(code)}</code></p>
<p><a class="action" href="${escapeHtml(signUp)}" rel="noreferrer">Sign up and redeem</a></p>
<p class="note">The credit is yours at checkout, after you have signed up.</p>`,
      };
    }
    case "ended":
      return {
        title: "Campaign ended",
        body: `<h1>This campaign has ended</h1>
${descriptionOf(state.voucher.description)}<p>The voucher <code>${escapeHtml(state.voucher.code)}</code> over ${state.voucher.credit_omr} OMR takes no more redemptions.</p>`,
      };
    case "not-valid":
      return {
        title: "Voucher not valid",
        body: `<h1>This voucher is not valid</h1>\n<p>Check the code for typing errors, and try again.</p>\n${FORM}`,
      };
    case "blank":
      return {
        title: "Redeem a voucher",
        body: `<h1>Redeem a voucher</h1>\n<p>Type the code that you were given.</p>\n${FORM}`,
      };
    case "busy":
      return {
        title: "Too many tries",
        body: `<h1>Too many tries</h1>\n<p>Please wait ${state.retryAfterS} seconds, and load this page again.</p>`,
      };
    case "unavailable":
      return {
        title: "One moment please",
        body: "<h1>One moment please</h1>\n<p>Vouchers cannot be looked up just now. Load this page again in a moment.</p>",
      };
  }
}

const FORM = `<form action="/redeem" method="get">
<label for="code">Voucher code</label>
<input id="code" name="code" required maxlength="64" autocomplete="off" autocapitalize="characters" spellcheck="false">
<button>Look it up</button>
</form>`;

const descriptionOf = (description: string) =>
  description === "" ? "" : `<p class="description">${escapeHtml(description)}</p>\n`;

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** `colour` is `#rrggbb`; the text on it is black or white, whichever reads better. */
function styleOf(colour: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const onColour = (red * 299 + green * 587 + blue * 114) / 1000 > 140 ? "#000" : "#fff";
  return `:root{color-scheme:light dark}
body{font:1.1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:36rem;padding:1.5rem}
header{display:flex;align-items:center;gap:.75rem;border-bottom:.25rem solid ${colour};padding-bottom:.75rem}
.logo{height:3rem;max-width:10rem}
.brand{font-weight:600;margin:0}
h1{line-height:1.2}
code{font-size:1.15em}
.action,button{background:${colour};color:${onColour};border:0;border-radius:.4rem;display:inline-block;font:inherit;font-weight:600;padding:.7rem 1.2rem;text-decoration:none}
input{font:inherit;padding:.6rem;width:100%;box-sizing:border-box;margin:.25rem 0 .75rem}
a:focus-visible,button:focus-visible,input:focus-visible{outline:.2rem solid currentColor;outline-offset:.15rem}
.note,footer{font-size:.9rem}`;
}
