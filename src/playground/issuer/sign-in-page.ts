import { createHash } from "node:crypto";
import { escapeHtml } from "../../platform/html.ts";
import type { Account } from "./grant.ts";

const STYLE = `body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:12vh auto;padding:0 1.25rem;color-scheme:light dark}
h1{font-size:1.4rem}button{display:block;width:100%;margin:.75rem 0;padding:.75rem 1rem;font:inherit;text-align:start;border:1px solid #8888;border-radius:.5rem;background:transparent;color:inherit;cursor:pointer}
button:hover,button:focus-visible{border-color:currentColor}small{display:block;opacity:.75}`;

export const SIGN_IN_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; frame-ancestors 'none'; base-uri 'none'`;

/** The page on which a user chooses an account. It posts to the address that showed it. */
export function renderSignInPage(sovereign: string, accounts: readonly Account[]): string {
  const choices = accounts.map(
    ({ name, description }) =>
      `<button name="account" value="${escapeHtml(name)}"><strong>${escapeHtml(name)}</strong><small>${escapeHtml(description)}</small></button>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · ${escapeHtml(sovereign)}</title>
<style>${STYLE}</style></head>
<body><main>
<h1>Sign in to ${escapeHtml(sovereign)}</h1>
<p>This is the playground's issuer. It asks for no password: choose who you are.</p>
<form method="post">
${choices.join("\n")}
</form>
</main></body>
</html>
`;
}
