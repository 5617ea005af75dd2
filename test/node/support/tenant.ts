import { Agent, request } from "undici";
import { sleep } from "../../../src/platform/shutdown.ts";

const PERIOD_MS = 100;
const TIMEOUT_MS = 20_000;

interface TenantCount {
  /** Requests that admission denied, with the rule's reason. */
  denied: number;
  /** Requests that RBAC refused, for example while the API server starts. Admission did not receive them. */
  unauthorized: number;
  /** Requests that were refused because the webhook did not answer. */
  webhookAway: number;
  /** Requests without an answer or a decision of the API server. */
  serverAway: number;
  /** Answers to admitted requests, as text. There must be none. */
  allowed: string[];
}

/** A tenant who sends a forbidden request every 100 ms, from `start` to `stop`. RBAC allows it. */
export interface Tenant {
  start(): void;
  /** Stops sending, and waits for the last answer. */
  stop(): Promise<void>;
  count: TenantCount;
}

export interface TenantAccess {
  server: string;
  ca: string;
  cert: string;
  key: string;
}

export function createTenant({ server, ca, cert, key }: TenantAccess): Tenant {
  const count: TenantCount = { denied: 0, unauthorized: 0, webhookAway: 0, serverAway: 0, allowed: [] };
  const agent = new Agent({ allowH2: false, connect: { ca, cert, key } });
  let abort: AbortController | undefined;
  let running: Promise<void> = Promise.resolve();
  const open = new Set<Promise<void>>();
  let number = 0;

  async function ask(): Promise<void> {
    number += 1;
    const image = `evil.example/billing@sha256:${String(number).padStart(64, "0")}`;
    try {
      const response = await request(`${server}/apis/catalyst.openova.io/v1alpha1/billingreleases/stable`, {
        method: "PATCH",
        headers: { "content-type": "application/merge-patch+json", accept: "application/json" },
        body: JSON.stringify({ spec: { image } }),
        dispatcher: agent,
        headersTimeout: TIMEOUT_MS,
      });
      const text = await response.body.text();
      if (response.statusCode < 300) count.allowed.push(text);
      else if (response.statusCode === 403)
        count[text.includes("cannot patch resource") ? "unauthorized" : "denied"] += 1;
      else if (text.includes("webhook")) count.webhookAway += 1;
      else count.serverAway += 1;
    } catch {
      count.serverAway += 1;
    }
  }

  async function askUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const answer = ask().finally(() => open.delete(answer));
      open.add(answer);
      await sleep(PERIOD_MS, signal);
    }
    await Promise.all(open);
  }

  return {
    count,
    start() {
      abort = new AbortController();
      running = askUntil(abort.signal);
    },
    async stop() {
      abort?.abort();
      await running;
    },
  };
}
