import { isIP } from "node:net";
import { redactSecrets } from "../../platform/log.ts";

const REDACTED = "[redacted]";

/**
 * Patterns by the form of a secret, because the text comes from logs, Events and messages of other programs. The order
 * matters: a pattern for a whole text comes before those for its parts.
 */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [^-]+-----[\s\S]*?(?:-----END [^-]+-----|$)/g, REDACTED],
  [/\bey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g, REDACTED],
  // The whole header, because the secret follows the scheme, or the name of a cookie. A part of the header may be in quotation
  // marks, which JSON escapes. A quotation mark after `=` may also be the end of a member in JSON.
  [
    /((?:proxy-)?authorization|(?:set-)?cookie)(\\*["']?\s*[=:]\s*\\*["']?)(?:=\\*"(?!,\\*"|[}\]]|\s|$)[^"\\\n]*\\*"?|[^"'\n\\])+/gi,
    `$1$2${REDACTED}`,
  ],
  [/\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}/gi, `$1 ${REDACTED}`],
  // A payment processor's public key. `redactSecrets` replaces its secret keys.
  [/\bpk_(?:live|test)_[A-Za-z0-9]+/g, REDACTED],
  // Tokens of registries and clouds whose issuers give them a beginning of their own.
  [
    /\b(?:gh[oprsu]_|github_pat_|glpat-|dckr_(?:pat|oat)_|npm_|xox[abps]-|AKIA|ASIA)[A-Za-z0-9_-]{12,}/g,
    REDACTED,
  ],
  [
    /((?:pass(?:word|wd)?|pwd|secret|token|api[_-]?key|credential)\\*["']?\s*[=:]\s*)(?:\\*"[^"]*|'[^']*|[^\s"',;&}{[\]\\]+)/gi,
    `$1${REDACTED}`,
  ],
  [/(?<![A-Za-z0-9._%+'-])[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+/g, "[address]"],
];
const URL_WITH_USER = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/"'<>@]+@[^\s"'<>]*/gi;
const DATABASE_URL = /\b(postgres(?:ql)?|mysql|redis|amqp):\/\/[^\s"'<>]*/gi;
const IP_V4 = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)/g;
const IP_V6 = /(?<![\w.:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])/gi;
/** Long random text that is no digest and no identifier of Kubernetes. */
const LONG_RANDOM =
  /(?<![A-Za-z0-9+/_:.-])(?=[A-Za-z0-9+/_-]*\d)(?=[A-Za-z0-9+/_-]*[A-Za-z])[A-Za-z0-9+/_]{40,}={0,2}/g;

/** The same in base64url. Names of Kubernetes have hyphens too, but no capital letters. */
const LONG_RANDOM_URL =
  /(?<![A-Za-z0-9+/_:.-])(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[a-z])(?=[A-Za-z0-9_-]*[A-Z])[A-Za-z0-9_-]{40,}={0,2}/g;

/** Any client may have written the text, and the time of some patterns grows with the square of a line's length. */
const MAX_LINE = 16_384;

const shortened = (line: string): string =>
  line.length > MAX_LINE
    ? `${line.slice(0, MAX_LINE)}… (${line.length - MAX_LINE} characters are left out)`
    : line;

/** In JSON, a line break is `\n`. Its letter would count as the beginning of the next word, so a mark separates the two. */
const ESCAPE = /\\(?:[bfnrt]|u[0-9a-f]{4})/gi;
const MARK = "\0";

/** The text without secrets, e-mail addresses and IP addresses. */
export function redactText(text: string): string {
  const bounded = text.split("\n").map(shortened).join("\n").replace(ESCAPE, `$&${MARK}`);
  let redacted = bounded.replace(DATABASE_URL, `$1://${REDACTED}`).replace(URL_WITH_USER, `$1${REDACTED}`);
  for (const [pattern, replacement] of PATTERNS) redacted = redacted.replace(pattern, replacement);
  return redactSecrets(redacted)
    .replace(LONG_RANDOM, REDACTED)
    .replace(LONG_RANDOM_URL, REDACTED)
    .replace(IP_V4, "[address]")
    .replace(IP_V6, (address) => (isIP(address) === 0 ? address : "[address]"))
    .replaceAll(MARK, "");
}

/** Does not match `secretName` and `tokenRef`, which name a Secret and hold none of its data. */
const SECRET_NAME = /(?:password|passwd|secret|token|credential|privateKey|apiKey|connectionString|dsn)$/i;
const OWN_METADATA = ["name", "namespace", "uid", "generation", "resourceVersion", "creationTimestamp"];
const OWN_LISTS = ["deletionTimestamp", "finalizers", "ownerReferences", "labels"];

/**
 * The same value with each text redacted. A text is replaced as a whole when the name of its member says that it is a
 * secret.
 */
export function redactValue(value: unknown, name = ""): unknown {
  if (typeof value === "string") return SECRET_NAME.test(name) ? REDACTED : redactText(value);
  if (Array.isArray(value)) return value.map((item) => redactValue(item, name));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [redactText(key), redactValue(member, key)]),
  );
}

/** An API object without other clients' annotations and without managed fields. Both may repeat any part of the object. */
export function redactObject(object: { metadata: object; [member: string]: unknown }): unknown {
  const kept = [...OWN_METADATA, ...OWN_LISTS];
  const { metadata, ...rest } = object;
  const entries = Object.entries(metadata).filter(([key]) => kept.includes(key));
  const { annotations = {} } = metadata as { annotations?: Record<string, string> };
  const own = Object.entries(annotations).filter(([key]) => /(?:^|\.)catalyst\.openova\.io\//.test(key));
  return redactValue({
    ...rest,
    metadata: { ...Object.fromEntries(entries), annotations: Object.fromEntries(own) },
  });
}
