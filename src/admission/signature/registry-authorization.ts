import type { BoundedAnswer } from "../../platform/bounded-fetch.ts";
import { parseJsonMap } from "./json-map.ts";
import type { RegistryCredential } from "./registry-credential.ts";

/** The authorization that a registry asks for with its answer 401. */
export type Challenge = { kind: "basic" } | { kind: "token"; url: URL } | { kind: "unknown" };

/**
 * Reads `WWW-Authenticate`. A token service must use TLS or be at the registry itself: it receives credentials, and
 * otherwise an attacker on the network could answer in its place.
 */
export function parseChallenge(header: string, registry: URL): Challenge {
  if (/^basic(\s|$)/i.test(header)) return { kind: "basic" };
  const parameters = Object.fromEntries(
    [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  const url = URL.parse(parameters.realm ?? "");
  if (url === null || (url.protocol !== "https:" && url.origin !== registry.origin))
    return { kind: "unknown" };
  for (const name of ["service", "scope"])
    if (parameters[name] !== undefined) url.searchParams.set(name, parameters[name]);
  return { kind: "token", url };
}

export function basicAuthorization(credential: RegistryCredential | undefined): Record<string, string> {
  if (credential === undefined) return {};
  const { username, password } = credential;
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
}

/** Undefined when the token service refuses or answers without a token. */
export function parseToken({ status, body }: BoundedAnswer): string | undefined {
  const { token, access_token } = status === 200 ? parseJsonMap(body) : {};
  const text = token ?? access_token;
  return typeof text === "string" ? text : undefined;
}
