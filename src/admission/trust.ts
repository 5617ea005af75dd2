import { parse } from "yaml";
import type { TrustEntry } from "../api/franchise.ts";
import { isMap } from "../api/object.ts";

/** What `catalyst-trust` says. */
export interface Trust {
  entries: TrustEntry[];
  /** Prefixes of references that need no signature. */
  allowedRegistries: string[];
  /** Hosts that are asked over plain HTTP. */
  insecureRegistries: string[];
}

export const NO_TRUST: Trust = { entries: [], allowedRegistries: [], insecureRegistries: [] };

/** Reads `trust.yaml`. Throws with the field's path: a trust that is half understood is none. */
export function parseTrust(text: string): Trust {
  const document: unknown = parse(text) ?? {};
  if (!isMap(document)) throw new Error("trust.yaml must be a map");
  const { trust = [], allowedRegistries = [], insecureRegistries = [], ...unknown } = document;
  const [surplus] = Object.keys(unknown);
  if (surplus !== undefined)
    throw new Error(`${surplus}: no such field; known are trust, allowedRegistries, insecureRegistries`);
  if (!Array.isArray(trust)) throw new Error("trust must be a list");
  return {
    entries: trust.map(parseEntry),
    allowedRegistries: texts("allowedRegistries", allowedRegistries),
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
  throw new Error(`trust[${index}] is either publicKey, or keyless with issuer and identity`);
}

function texts(name: string, value: unknown): string[] {
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string" || item === ""))
    throw new Error(`${name} must be a list of texts`);
  return value as string[];
}

/** Whether a reference lies below an allowed prefix; a prefix ends at a slash, so that `a.example` does not allow `a.example.evil`. */
export function isAllowedRegistry(reference: string, { allowedRegistries }: Trust): boolean {
  return allowedRegistries.some((prefix) =>
    reference.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`),
  );
}
