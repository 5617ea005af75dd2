import { Agent, request } from "undici";
import { parse } from "yaml";
import { sleep } from "../../../../src/platform/shutdown.ts";

export interface Answer {
  status: number;
  /** The decoded JSON, or the text of another media type. */
  // biome-ignore lint/suspicious/noExplicitAny: behaviours look into answers of every kind
  body: any;
  /** The texts of the `Warning` headers. */
  warnings: string[];
  headers: Record<string, string | string[] | undefined>;
}

interface SendOptions {
  contentType?: string;
  accept?: string;
  /** The user to impersonate. */
  as?: string;
  /** The groups to impersonate. */
  groups?: string[];
  /** A bearer token instead of the administrator's credentials. The empty string: none at all. */
  token?: string;
  userAgent?: string;
}

export interface WatchEvent {
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: behaviours look into events of every kind
  object: any;
}

/** The administrator's connection to an API server. */
export interface Connection {
  send(method: string, path: string, body?: unknown, options?: SendOptions): Promise<Answer>;
  /** `send` that throws when the API server refuses. Returns the body. */
  must(method: string, path: string, body?: unknown, options?: SendOptions): Promise<Answer["body"]>;
  /** Starts a watch, runs `act` once the API server serves it, and reads until `enough`, or the end of the watch. */
  watch(
    path: string,
    enough: (events: WatchEvent[]) => boolean,
    act?: () => Promise<unknown>,
    accept?: string,
  ): Promise<WatchEvent[]>;
  close(): Promise<void>;
}

export const MERGE = "application/merge-patch+json";
export const STRATEGIC = "application/strategic-merge-patch+json";
export const JSON_PATCH = "application/json-patch+json";
export const APPLY = "application/apply-patch+yaml";

interface Kubeconfig {
  clusters: [{ cluster: { server: string; "certificate-authority-data": string } }];
  users: [{ user: Record<string, string | undefined> }];
}

export function connect(kubeconfig: string): Connection {
  const { clusters, users } = parse(kubeconfig) as Kubeconfig;
  const { cluster } = clusters[0];
  const { user } = users[0];
  const decode = (data: string | undefined) => Buffer.from(data ?? "", "base64").toString();
  const ca = decode(cluster["certificate-authority-data"]);
  const cert = decode(user["client-certificate-data"]);
  const key = decode(user["client-key-data"]);
  const agent = new Agent({ connect: { ca, ...(cert === "" ? {} : { cert, key }) } });
  const stranger = new Agent({ connect: { ca } });

  function headersOf({ accept, contentType, as, groups, token, userAgent }: SendOptions): string[] {
    const headers = ["accept", accept ?? "application/json", "user-agent", userAgent ?? "conformance"];
    const bearer = token ?? user.token ?? "";
    if (bearer !== "") headers.push("authorization", `Bearer ${bearer}`);
    if (as !== undefined) headers.push("impersonate-user", as);
    for (const group of groups ?? []) headers.push("impersonate-group", group);
    if (contentType !== undefined) headers.push("content-type", contentType);
    return headers;
  }

  const connection: Connection = {
    async send(method, path, body, options = {}) {
      const answer = await request(`${cluster.server}${path}`, {
        method: method as "GET",
        dispatcher: options.token === undefined ? agent : stranger,
        headers: headersOf(body === undefined ? options : { contentType: "application/json", ...options }),
        body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
      });
      const text = await answer.body.text();
      const isJson = String(answer.headers["content-type"]).startsWith("application/json");
      return {
        status: answer.statusCode,
        body: isJson ? JSON.parse(text) : text,
        warnings: [answer.headers.warning ?? []]
          .flat()
          .flatMap((line) => [...line.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text)),
        headers: answer.headers,
      };
    },

    async must(method, path, body, options) {
      const answer = await connection.send(method, path, body, options);
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
      return answer.body;
    },

    async watch(path, enough, act, accept) {
      const abort = new AbortController();
      const timeout = setTimeout(() => abort.abort(new Error(`no such events on ${path}`)), 15_000);
      const { statusCode, body } = await request(`${cluster.server}${path}`, {
        dispatcher: agent,
        headers: headersOf(accept === undefined ? {} : { accept }),
        signal: abort.signal,
      });
      const events: WatchEvent[] = [];
      try {
        if (statusCode !== 200)
          return [{ type: "REFUSED", object: JSON.parse(await body.text()) as WatchEvent["object"] }];
        const acted = act?.();
        let rest = "";
        for await (const chunk of body) {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) events.push(JSON.parse(line));
          if (enough(events)) break;
        }
        await acted;
        return events;
      } finally {
        clearTimeout(timeout);
        abort.abort();
      }
    },

    async close() {
      await Promise.all([agent.destroy(), stranger.destroy()]);
    },
  };
  return connection;
}

/** Asks again until `holds`: API servers apply roles, webhooks and definitions a moment after their write. */
export async function eventually<T>(look: () => Promise<T>, holds: (seen: T) => boolean): Promise<T> {
  const until = Date.now() + 10_000;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > until) throw new Error(`not so within 10 s; last seen: ${JSON.stringify(seen)}`);
    await sleep(25);
  }
}
