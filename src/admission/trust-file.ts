import { parse } from "yaml";
import type { TrustEntry } from "../api/franchise.ts";
import { isMap } from "../api/object.ts";
import { parseRepositoryPrefix, type RepositoryPrefix } from "./rules/reference.ts";
import type { Trust } from "./trust-policy.ts";

/** Reads `trust.yaml`. Throws with the field's path: no part of a file with a mistake counts. */
export function parseTrust(text: string): Trust {
  const document: unknown = parse(text) ?? {};
  if (!isMap(document)) throw new Error("trust.yaml must be a map");
  const { trust = [], allowedRegistries = [], insecureRegistries = [], ...unknown } = document;
  const [surplus] = Object.keys(unknown);
  if (surplus !== undefined)
    throw new Error(
      `${surplus} is not a field of trust.yaml: use trust, allowedRegistries and insecureRegistries`,
    );
  if (!Array.isArray(trust)) throw new Error("trust must be a list");
  return {
    entries: trust.map(parseEntry),
    allowedRegistries: texts("allowedRegistries", allowedRegistries).map(parseAllowedRegistry),
    insecureRegistries: texts("insecureRegistries", insecureRegistries),
  };
}

function parseEntry(entry: unknown, index: number): TrustEntry {
  const { publicKey, keyless } = isMap(entry) ? entry : {};
  if (typeof publicKey === "string" && keyless === undefined) return { publicKey };
  if (
    publicKey === undefined &&
    isMap(keyless) &&
    typeof keyless.issuer === "string" &&
    typeof keyless.identity === "string"
  ) {
    return { keyless: { issuer: keyless.issuer, identity: keyless.identity } };
  }
  throw new Error(`trust[${index}] must have either publicKey, or keyless with issuer and identity`);
}

function parseAllowedRegistry(text: string, index: number): RepositoryPrefix {
  const prefix = parseRepositoryPrefix(text);
  if (prefix === undefined)
    throw new Error(
      `allowedRegistries[${index}] must be host or host/path, in lower case, with a dot or a port in the host`,
    );
  return prefix;
}

function texts(name: string, value: unknown): string[] {
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string" || item === ""))
    throw new Error(`${name} must be a list of texts that are not empty`);
  return value as string[];
}
