import { isMap } from "../../api/object.ts";
import type { DestinationField, Meaning } from "./destination-meaning.ts";
import { MAX_OBJECT_DEPTH } from "./object-survey.ts";

/** The meaning of a text by the name of its member and its path. Undefined: it sets no destination. */
type MeaningOf = (name: string, path: string) => Meaning | undefined;

const CALLED_BY_ALERTMANAGER = /^(?:api)?url$|^(?:proxy|token)url$|^smarthost$/i;
/** Links in a notification, which Alertmanager does not open. */
const LINK = /\.pushoverConfigs\[\d+\]\.url$|\.actions\[\d+\]\.url$/;
/** `botTokenFile`, and `files` of headers. A `profile` of AWS is no file. */
const FILE = /(?:^f|[a-z]F)iles?$/;

function receiverMeaning(name: string, path: string): Meaning | undefined {
  if (FILE.test(name)) return "file";
  return CALLED_BY_ALERTMANAGER.test(name) && !LINK.test(path) ? "target" : undefined;
}

/** The answer to a webhook becomes a Secret of the author. */
const WEBHOOK = "spec.provider.webhook.url";
/** `apiDomain` too. A bare `domain` is that of an account in Active Directory. */
const CALLED_BY_EXTERNAL_SECRETS = /(?:url|uri|host|hostapi|server|endpoint|[a-z]domain)(?:template)?$/i;

function providerMeaning(name: string, path: string): Meaning | undefined {
  if (path === WEBHOOK) return "url";
  return CALLED_BY_EXTERNAL_SECRETS.test(name) ? "target" : undefined;
}

/**
 * Kinds with a part for each of dozens of products. Finds members by their names, so a product that is added later is judged
 * too if its members have the same names. A URL in a Secret is not found.
 */
const PARTS: ReadonlyMap<string, { path: string; meaningOf: MeaningOf }> = new Map([
  ["monitoring.coreos.com/alertmanagerconfigs", { path: "receivers", meaningOf: receiverMeaning }],
  ["external-secrets.io/secretstores", { path: "provider", meaningOf: providerMeaning }],
]);

/** Undefined: the kind has no such part. */
export function calledMembers(kind: string, spec: Record<string, unknown>): DestinationField[] | undefined {
  const part = PARTS.get(kind);
  if (part === undefined) return undefined;
  return membersIn(spec[part.path], { path: `spec.${part.path}`, name: "", depth: 0 }, part.meaningOf);
}

function membersIn(
  value: unknown,
  { path, name, depth }: { path: string; name: string; depth: number },
  meaningOf: MeaningOf,
): DestinationField[] {
  if (typeof value === "string") {
    const meaning = meaningOf(name, path);
    return meaning === undefined ? [] : [{ path, value, meaning }];
  }
  if (depth > MAX_OBJECT_DEPTH) return [];
  const inside = { name, depth: depth + 1 };
  if (Array.isArray(value))
    return value.flatMap((item, index) =>
      membersIn(item, { ...inside, path: `${path}[${index}]` }, meaningOf),
    );
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([member, item]) =>
    membersIn(item, { ...inside, path: `${path}.${member}`, name: member }, meaningOf),
  );
}
