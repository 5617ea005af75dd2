import { PROBLEMS, type ProblemCode } from "../billing/http/problem-table.ts";
import type { Voucher } from "../billing/voucher/voucher.ts";
import { boundedFetch } from "../platform/bounded-fetch.ts";

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export interface VoucherClientDeps {
  baseUrl: string;
  fetch: typeof fetch;
  token: string;
  signal: AbortSignal;
}

export interface VoucherQuery {
  standing: string | undefined;
  text: string | undefined;
  /** The maximum number of vouchers. Undefined: all. */
  limit: number | undefined;
}

export interface IssueRequest {
  code?: string | undefined;
  credit_omr: number;
  description?: string | undefined;
  max_redemptions?: number | undefined;
  starts_at?: string | undefined;
  expires_at?: string | undefined;
}

/** Calls the voucher API of one Sovereign. Throws an `Error` that names the refusal, its rule and the remedy. */
export function createVoucherClient({ baseUrl, fetch, token, signal }: VoucherClientDeps) {
  async function send(method: string, path: string, { body, headers = {} }: RequestParts = {}) {
    const answer = await boundedFetch(`${baseUrl}/billing/vouchers/${path}`, {
      ...{ fetch, method, signal, timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, readsErrorBody: true },
      headers: {
        ...headers,
        Authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json = parse(answer.body);
    if (answer.status !== 200) throw new Error(describeProblem(answer.status, json));
    return { json, link: answer.headers.get("link") };
  }

  return {
    async list({ standing, text, limit }: VoucherQuery): Promise<Voucher[]> {
      const found: Voucher[] = [];
      const filters = Object.entries({ standing, q: text }).filter(([, value]) => value !== undefined);
      let query = new URLSearchParams(filters as [string, string][]).toString();
      for (;;) {
        const { json, link } = await send("GET", `list?${query}`);
        found.push(...(json as Voucher[]));
        const next = /^<\?([^>]*)>; rel="next"$/.exec(link ?? "")?.[1];
        if (next === undefined || (limit !== undefined && found.length >= limit))
          return found.slice(0, limit);
        query = next;
      }
    },
    /** With `isNew`, the request is refused if a live voucher has this code. */
    async issue(terms: IssueRequest, { isNew }: { isNew: boolean }): Promise<Omit<Voucher, "standing">> {
      const headers: Record<string, string> = isNew ? { "If-None-Match": "*" } : {};
      const { json } = await send("POST", "issue", { body: terms, headers });
      return json as Omit<Voucher, "standing">;
    },
    async revoke(code: string): Promise<void> {
      await send("DELETE", `revoke/${encodeURIComponent(code)}`);
    },
  };
}

interface RequestParts {
  body?: object;
  headers?: Record<string, string>;
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** The field, the rule and the remedy, each on its own line. */
function describeProblem(status: number, json: unknown): string {
  const {
    code,
    detail,
    errors = [],
  } = (json ?? {}) as {
    code?: string;
    detail?: string;
    errors?: { field: string; rule: string }[];
  };
  if (code === undefined || !Object.hasOwn(PROBLEMS, code))
    return `the voucher API answered ${status}, and not as a voucher API does`;
  return [
    `${detail ?? PROBLEMS[code as ProblemCode].title} (${code}, ${status})`,
    ...errors.filter(({ rule }) => rule !== detail).map(({ field, rule }) => `  ${field}: ${rule}`),
    `  ${PROBLEMS[code as ProblemCode].meaning}`,
  ].join("\n");
}
