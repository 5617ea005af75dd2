import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** Where a problem's `type` leads: a page with an entry for each code. */
export const ERROR_PAGE_PATH = "/billing/errors";

/** Far more than a path of ours has: nobody gets a longer answer for a longer path. */
const MAX_DEPTH = 16;

/**
 * A reference from a request's path to the entry of a code, relative to where the client asked: a gateway may have taken a
 * prefix off the path (the earlier one takes `/api`), and only the client knows it.
 */
export function errorReference(code: string, requestPath: string): string {
  const depth = requestPath.split("/").length - 2;
  const root = depth <= MAX_DEPTH ? "../".repeat(Math.max(0, depth)) : "/";
  return `${root}${ERROR_PAGE_PATH.slice(1)}#${code}`;
}

/** The repository's own page about errors; the image has it too. */
const SOURCE = new URL("../../../docs/errors.md", import.meta.url);
const ROW = /^\| `(\w+)` \| (\d{3}) \| (.+) \|$/gm;
const STYLE = `:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:52rem;padding:1.5rem}
dt{font-weight:600;margin-top:1rem}
dt:target{outline:.2rem solid}
dd{margin:0}`;

export const ERROR_PAGE_HEADERS = {
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "Referrer-Policy": "no-referrer",
};

/** The page as HTML, each entry under its code as fragment. Undefined where the document was not shipped. */
export function readErrorPage(): string | undefined {
  let text: string;
  try {
    text = readFileSync(SOURCE, "utf8");
  } catch {
    return undefined;
  }
  const entries = [...text.matchAll(ROW)].map(
    ([, code, status, meaning = ""]) =>
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

/** One line of the document: text and code spans. */
function htmlOf(markdown: string): string {
  return markdown
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/`([^`]+)`/g, "<code>$1</code>");
}
