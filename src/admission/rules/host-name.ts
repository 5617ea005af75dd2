/** The longest DNS name. */
const MAX_LENGTH = 253;

/**
 * A host name as DNS compares it: lower case, internationalised names in punycode, no last dot, no port. Istio writes
 * `namespace/host`, of which this is the host.
 */
export function normalHost(text: string): string {
  const bare = text.trim().slice(text.trim().lastIndexOf("/") + 1);
  return parsedHost(bare).replace(/\.+$/, "");
}

function parsedHost(text: string): string {
  if (text.length > MAX_LENGTH || /[\s?#@]/.test(text)) return text.toLowerCase();
  const url = URL.parse(`http://${text}`);
  return url?.hostname ?? text.toLowerCase();
}

/** The IPv4 address that two groups of an IPv6 address hold. */
export const ipv4Of = (high: number, low: number): string =>
  [high >> 8, high & 255, low >> 8, low & 255].join(".");

/**
 * Whether a pattern covers a host. `*` stands for any text, as in the Ingress and Gateway APIs, Istio and nginx. A first
 * dot is nginx's short form for a name and all names below it.
 */
export function coversHost(pattern: string, host: string): boolean {
  if (pattern.startsWith(".")) return host === pattern.slice(1) || host.endsWith(pattern);
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === host;
  if (!host.startsWith(first) || !host.endsWith(last) || host.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const part of rest) {
    const found = host.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= host.length - last.length;
}

/**
 * The namespace in a name of cluster DNS: `app.shop.svc`, with or without the cluster's domain. `*` when the name covers
 * every namespace; undefined for other names.
 */
export function namespaceOfName(name: string): string | undefined {
  const labels = name.split(".");
  const zone = labels.findLastIndex((label, index) => index > 0 && (label === "svc" || label === "pod"));
  if (zone > 0) return labels[zone - 1];
  return labels[0] === "*" && labels.at(-1) === "local" ? "*" : undefined;
}

/** As `namespaceOfName`, and also for `app.shop`, which search domains complete. */
export function namespaceOfShortName(name: string): string | undefined {
  const labels = name.split(".");
  return namespaceOfName(name) ?? (labels.length > 1 ? labels.at(-1) : undefined);
}
