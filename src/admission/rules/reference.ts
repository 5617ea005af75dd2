/** An artifact by digest. */
export interface PinnedReference {
  /** In lower case, with a port where the reference has one: `registry.example:5000`. */
  host: string;
  /** Path below the host: `team/shop`. */
  repository: string;
  /** `sha256:<64 hex>`. */
  digest: string;
}

type ParsedReference = ({ kind: "pinned" } & PinnedReference) | { kind: "invalid"; problem: string };

/** A host, and the first segments of the repositories below it. */
export interface RepositoryPrefix {
  host: string;
  segments: readonly string[];
}

const DEFAULT_HOST = "docker.io";
/** Bounds the time that the expressions below take. */
const MAX_LENGTH = 512;
const DIGEST = /^sha256:[a-f0-9]{64}$/;
const TAG = /:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const HOST = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[0-9]{1,5})?$/;
const MAX_PORT = 65_535;
const SEGMENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/**
 * Reads `[host/]repository[:tag]@sha256:…` by the grammar of github.com/distribution/reference, without its upper case.
 * Kubelet and Flux read references with different libraries. A reference that these read differently is invalid here: `..`
 * segments (go-containerregistry accepts them), and `localhost` without a port (one library takes it for a host, the other
 * for a folder of docker.io).
 */
export function parseReference(text: string): ParsedReference {
  const shown = text === "" ? "(empty)" : text;
  const [name = "", digest = "", ...rest] = text.split("@");
  if (!DIGEST.test(digest) || rest.length > 0)
    return { kind: "invalid", problem: `${shown} has no digest; write repository@sha256:<64 hex>` };
  const at = text.length > MAX_LENGTH ? undefined : parseName(name.replace(TAG, ""));
  if (at === undefined)
    return {
      kind: "invalid",
      problem: `${shown} is not a valid reference; write host/repository@sha256:<64 hex>, in lower case and without "." or ".." segments`,
    };
  return { kind: "pinned", host: at.host, repository: at.segments.join("/"), digest };
}

/** As `parseReference`, and also with `oci://` before it, as Flux and Blueprints write references. */
export const parseArtifactReference = (text: string): ParsedReference =>
  parseReference(text.replace(/^oci:\/\//, ""));

/** Reads `host` or `host/path`. The host must be written out, as a prefix without one would be read as docker.io's. */
export function parseRepositoryPrefix(text: string): RepositoryPrefix | undefined {
  const [host = "", ...segments] = text.replace(/\/$/, "").split("/");
  const isValid =
    isHost(host) &&
    isValidHost(host) &&
    text.length <= MAX_LENGTH &&
    segments.every((it) => SEGMENT.test(it));
  return isValid ? { host, segments } : undefined;
}

/** Whether a repository is the one that the prefix names, or lies below it. Compares whole segments. */
export function isBelow({ host, repository }: PinnedReference, prefix: RepositoryPrefix): boolean {
  const segments = repository.split("/");
  return host === prefix.host && prefix.segments.every((segment, index) => segments[index] === segment);
}

function parseName(name: string): RepositoryPrefix | undefined {
  const parts = name.split("/");
  const [first = ""] = parts;
  const hasHost = parts.length > 1 && isHost(first);
  const host = hasHost ? first : DEFAULT_HOST;
  const segments = hasHost ? parts.slice(1) : parts;
  if (!isValidHost(host) || (segments[0] === "localhost" && !hasHost && parts.length > 1)) return undefined;
  if (!segments.every((segment) => SEGMENT.test(segment))) return undefined;
  // docker.io serves `nginx` as `library/nginx`.
  return {
    host,
    segments: host === DEFAULT_HOST && segments.length === 1 ? ["library", ...segments] : segments,
  };
}

/** A first segment is a host when it has a dot or a port. */
const isHost = (segment: string) => /[.:]/.test(segment);

const isValidHost = (host: string) => HOST.test(host) && Number(host.split(":")[1] ?? 0) <= MAX_PORT;
