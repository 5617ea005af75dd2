import { isMap, mapOf } from "../../api/object.ts";

export interface RegistryCredential {
  username: string;
  password: string;
}

/** The credential for a repository of a host. Undefined: requests are anonymous. */
export type CredentialLookup = (host: string, repository: string) => Promise<RegistryCredential | undefined>;

interface CredentialEntry extends RegistryCredential {
  host: string;
  segments: string[];
}

/**
 * Reads the text of a pull secret (`.dockerconfigjson`). As for kubelet, a key is a host, with or without a scheme and a
 * path; the longest path that a repository lies below decides. Throws when the text has no `auths`.
 */
export function parsePullSecret(text: string): CredentialEntry[] {
  const { auths } = mapOf(JSON.parse(text));
  if (!isMap(auths))
    throw new Error("a pull secret must have auths: make it with kubectl create secret docker-registry");
  return Object.entries(auths).flatMap(([key, value]) => {
    const credential = parseCredential(mapOf(value));
    return credential === undefined ? [] : [{ ...parseKey(key), ...credential }];
  });
}

export function findCredential(
  entries: readonly CredentialEntry[],
  host: string,
  repository: string,
): RegistryCredential | undefined {
  const segments = repository.split("/");
  const [best] = entries
    .filter((entry) => entry.host === host && entry.segments.every((segment, at) => segments[at] === segment))
    .sort((a, b) => b.segments.length - a.segments.length);
  return best === undefined ? undefined : { username: best.username, password: best.password };
}

function parseKey(key: string): { host: string; segments: string[] } {
  const [host = "", ...path] = key.replace(/^https?:\/\//, "").split("/");
  // Docker writes its own registry as https://index.docker.io/v1/.
  const isDockerHub = ["index.docker.io", "docker.io", "registry-1.docker.io"].includes(host);
  const segments = path.filter((segment) => segment !== "");
  return isDockerHub
    ? { host: "docker.io", segments: segments.filter((segment) => segment !== "v1" && segment !== "v2") }
    : { host: host.toLowerCase(), segments };
}

function parseCredential({
  auth,
  username,
  password,
}: Record<string, unknown>): RegistryCredential | undefined {
  if (typeof username === "string" && typeof password === "string") return { username, password };
  if (typeof auth !== "string") return undefined;
  const pair = Buffer.from(auth, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return colon < 1 ? undefined : { username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
