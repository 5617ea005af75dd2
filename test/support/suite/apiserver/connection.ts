import { Agent, request } from "undici";
import { parse } from "yaml";
import { readEvents, sendTo, type TestAnswer } from "../../server/api-request.ts";

export interface Answer extends TestAnswer {
  /** The texts of the `Warning` headers. */
  warnings: string[];
}

interface SendOptions {
  contentType?: string;
  accept?: string;
  /** The user to impersonate. */
  as?: string;
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

  function headersOf({ accept, as, token, userAgent }: SendOptions): Record<string, string> {
    const bearer = token ?? user.token ?? "";
    return {
      accept: accept ?? "application/json",
      "user-agent": userAgent ?? "conformance",
      ...(bearer === "" ? {} : { authorization: `Bearer ${bearer}` }),
      ...(as === undefined ? {} : { "impersonate-user": as }),
    };
  }

  const connection: Connection = {
    async send(method, path, body, options = {}) {
      const { contentType = "application/json", token } = options;
      const dispatcher = token === undefined ? agent : stranger;
      const message = { body, contentType, headers: headersOf(options) };
      const answer = await sendTo({ url: cluster.server }, dispatcher, method, path, message);
      const warnings = [answer.headers.warning ?? []]
        .flat()
        .flatMap((line) => [...line.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text));
      return { ...answer, warnings };
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
      try {
        if (statusCode !== 200)
          return [{ type: "REFUSED", object: JSON.parse(await body.text()) as WatchEvent["object"] }];
        const acted = act?.();
        const events = await readEvents(body, enough);
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
