import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import type { Define } from "./define.ts";

/** Parses an absolute URI or an absolute path like Go's `url.ParseRequestURI`. */
class CelUrl {
  readonly text: string;
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;

  constructor(text: string, scheme: string, host: string, path: string, query: string) {
    this.text = text;
    this.scheme = scheme;
    this.host = host;
    this.path = path;
    this.query = query;
  }
}

function parseUrl(text: string): CelUrl | undefined {
  if (/[\s\p{Cc}]/u.test(text) || /%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const match =
    /^([a-zA-Z][a-zA-Z0-9+.-]*):(?:\/\/(?:[^/?@]*@)?([^/?]*))?([^?]*)(?:\?(.*))?$/.exec(text) ??
    /^()()(\/[^?]*)(?:\?(.*))?$/.exec(text);
  if (match === null) return undefined;
  const [, scheme = "", host = "", path = "", query = ""] = match;
  const port = /:([^:\]]*)$/.exec(host)?.[1];
  if (port !== undefined && !/^\d*$/.test(port)) return undefined;
  return new CelUrl(text, scheme.toLowerCase(), host, path, query);
}

export function registerUrls(environment: Environment, define: Define): void {
  const TYPE = "kubernetes.URL";
  environment.registerType(TYPE, CelUrl);
  environment.registerOperator(`${TYPE} == ${TYPE}`, (a: CelUrl, b: CelUrl) => a.text === b.text);

  define("isURL(string): bool", (text: string) => parseUrl(text) !== undefined);
  define(`url(string): ${TYPE}`, (text: string) => {
    const url = parseUrl(text);
    if (url === undefined) {
      throw new EvaluationError({
        code: "invalid_url",
        message: `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
      });
    }
    return url;
  });
  define(`${TYPE}.getScheme(): string`, (url: CelUrl) => url.scheme);
  define(`${TYPE}.getHost(): string`, (url: CelUrl) => url.host);
  define(`${TYPE}.getHostname(): string`, (url: CelUrl) =>
    url.host.replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1"),
  );
  define(`${TYPE}.getPort(): string`, (url: CelUrl) => /:(\d*)$/.exec(url.host)?.[1] ?? "");
  define(`${TYPE}.getEscapedPath(): string`, (url: CelUrl) => url.path);
  define(`${TYPE}.getQuery(): map<string, list<string>>`, (url: CelUrl) => {
    const query = new Map<string, string[]>();
    for (const [name, value] of new URLSearchParams(url.query)) {
      query.set(name, [...(query.get(name) ?? []), value]);
    }
    return query;
  });
}
