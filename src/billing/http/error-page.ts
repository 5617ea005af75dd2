import { escapeHtml } from "../../platform/html.ts";
import { policyHash } from "./page/theme.ts";
import { PROBLEMS } from "./problem-table.ts";

/** The page that a problem's `type` refers to. It has an entry for each code. */
export const ERROR_PAGE_PATH = "/billing/errors";

/** Deeper than any path of this API: a longer path must not make the answer longer. */
const MAX_DEPTH = 16;

/**
 * A reference from the requested path to the entry of a code. It is relative, because a gateway may have removed a prefix
 * from the path, as the earlier gateway removes `/api`. The service never receives that prefix.
 */
export function errorReference(code: string, requestPath: string): string {
  const depth = requestPath.split("/").length - 2;
  const root = depth <= MAX_DEPTH ? "../".repeat(Math.max(0, depth)) : "/";
  return `${root}${ERROR_PAGE_PATH.slice(1)}#${code}`;
}

const STYLE = `:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:52rem;padding:1.5rem}
dt{font-weight:600;margin-top:1rem}
dt:target{outline:.2rem solid}
dd{margin:0}`;

export const ERROR_PAGE_HEADERS = {
  "Content-Security-Policy": `default-src 'none'; style-src ${policyHash(STYLE)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "Referrer-Policy": "no-referrer",
};

/** The table of problems as HTML. Each entry has its code as fragment. */
export function renderErrorPage(): string {
  const entries = Object.entries(PROBLEMS).map(
    ([code, { status, meaning }]) =>
      `<dt id="${code}"><code>${code}</code> · ${status}</dt>\n<dd>${htmlOf(meaning)}</dd>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Errors of the voucher API</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Errors of the voucher API</h1>
<dl>
${entries.join("\n")}
</dl>
</main>
</body>
</html>
`;
}

/** Text with code spans, as HTML. */
function htmlOf(markdown: string): string {
  return escapeHtml(markdown).replace(/`([^`]+)`/g, "<code>$1</code>");
}
