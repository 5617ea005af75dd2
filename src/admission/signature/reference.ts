/** An artifact by digest. */
export interface PinnedReference {
  /** `registry.example`, with a port where it has one. */
  host: string;
  repository: string;
  /** `sha256:<64 hex>`. */
  digest: string;
}

const REFERENCE =
  /^(?<name>[a-z0-9][a-z0-9._/:-]*?)(?::[A-Za-z0-9_][A-Za-z0-9._-]*)?@(?<digest>sha256:[a-f0-9]{64})$/;
const DEFAULT_HOST = "docker.io";

/** Undefined when the text names no digest. A first part without a dot or a port is no host, as in `library/nginx`. */
export function parseReference(text: string): PinnedReference | undefined {
  const { name, digest } = REFERENCE.exec(text)?.groups ?? {};
  if (name === undefined || digest === undefined) return undefined;
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  if (/[.:]/.test(first) || first === "localhost")
    return { host: first, repository: name.slice(slash + 1), digest };
  return { host: DEFAULT_HOST, repository: slash < 0 ? `library/${name}` : name, digest };
}
