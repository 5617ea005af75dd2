import { RULE_IDS } from "../../../../src/admission/rules/rule-id.ts";
import type { Request } from "./attempt.ts";
import { PEOPLE, type Person } from "./person.ts";

/** An API server puts the whole message into one line of output. */
const MAX_CHARACTERS = 4_000;
/** The remedy in a text, after the problem. */
const REMEDY =
  /[,;] (?:or |and |so )?(?:add|ask|change|choose|delete|flatten|install|keep|leave|make|name|remove|run|set|sign|try|use|work|write) /;
const RULE = new RegExp(`^(?:${RULE_IDS.join("|")}): \\S+: `);
const WEBHOOK = /^admission webhook "[a-z-]+\.catalyst\.openova\.io" denied the request: (?<denial>.*)$/s;
/** API servers evaluate native policies before webhooks, and put the denied request before the sentence. */
const POLICY =
  /ValidatingAdmissionPolicy 'catalyst-[a-z-]+' with binding 'catalyst-[a-z-]+' denied request: (?<denial>.*)$/s;
const LINKED = /^(?<reasons>.*)\. See (?<links>.*)$/s;

/** The text of the operator's webhook or of one of its native policies; empty for a refusal by RBAC or by a schema. */
export const denialOf = (message: string): string =>
  (WEBHOOK.exec(message) ?? POLICY.exec(message))?.groups?.denial ?? "";

/** The names of the tenants of the test's cluster, with the people who may read them. */
const TENANTS: readonly { names: readonly string[]; knownTo: readonly Person[] }[] = [
  {
    names: ["omantel"],
    knownTo: [
      ...["omantel", "omantelMember", "lookalikeNode", "listedController"],
      ...["amal", "developer", "basim", "acmeAccount", "acmePipeline", "globexAccount"],
    ] as Person[],
  },
  { names: ["ooredoo"], knownTo: ["ooredoo"] },
  { names: ["expired"], knownTo: ["expired"] },
  // Organization acme lists cloudNativePg among its members.
  {
    names: ["acme", "amal", "dana"],
    knownTo: ["amal", "developer", "omantelMember", "acmeAccount", "acmePipeline", "cloudNativePg"],
  },
  { names: ["globex", "basim"], knownTo: ["basim", "globexAccount"] },
  { names: ["bazaar", "quoll"], knownTo: [] },
];

/** The words of a text. Hosts, and names with hyphens, are one word each. */
const wordsOf = (text: string): string[] =>
  (text.match(/[A-Za-z0-9][A-Za-z0-9.-]*/g) ?? []).map((word) => word.replace(/[.-]+$/, "").toLowerCase());

/**
 * The tenants' names that a message reveals. It may repeat a word of the request, but not a part of a word: the
 * requester of host `omantel.test` must not learn that its Sovereign is called `omantel`.
 */
function revealed(message: string, by: Person, request: Request): string[] {
  const known = new Set(wordsOf(JSON.stringify([request, PEOPLE[by]])));
  const words = wordsOf(message).filter((word) => !known.has(word));
  return TENANTS.filter(({ knownTo }) => !knownTo.includes(by))
    .flatMap(({ names }) => names)
    .filter((name) => words.some((word) => word.includes(name)));
}

/** The problem with the text of a denial; empty when it helps its reader and reveals nothing. */
export function problemsOf(message: string, by: Person, request: Request): string[] {
  const { reasons, links } = LINKED.exec(denialOf(message))?.groups ?? {};
  if (reasons === undefined || links === undefined) return ["it does not end with links"];
  const parts = reasons.split(new RegExp(`; (?=(?:${RULE_IDS.join("|")}): )`));
  const rules = new Set(parts.map((part) => part.split(": ")[0]));
  return [
    ...parts.filter((part) => !RULE.test(part)).map((part) => `it names no rule and field: ${part}`),
    ...parts.filter((part) => !REMEDY.test(part)).map((part) => `it names no remedy: ${part}`),
    ...[...rules].filter((rule) => !links.includes(`#${rule}`)).map((rule) => `it has no link to ${rule}`),
    ...(message.length > MAX_CHARACTERS ? [`it has ${message.length} characters`] : []),
    ...revealed(message, by, request).map((name) => `it reveals ${name}`),
  ];
}
