import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { BILLING } from "../../../src/api/name.ts";
import { SMOKE_TEST } from "../../../src/billing/voucher/voucher.ts";

/** Answers the smoke test as billing does, on the addresses of all Pods at once. */
export interface BillingServer {
  /** From now on, Pods at these addresses take requests and never answer. */
  hang(isHanging: (address: string) => boolean): void;
  counts(): { requests: number };
}

export const SCHEMA = { version: "0006", fingerprint: `sha256:${"b".repeat(64)}` };
/** What the smoke test issues, and therefore expects to see. */
const { credit_omr, description } = SMOKE_TEST;

export async function startBillingServer(): Promise<BillingServer> {
  let requests = 0;
  let isHanging = (_address: string) => false;
  const server = createServer((request, response) => {
    requests += 1;
    if (!isHanging(request.socket.localAddress ?? "")) void answer(request, response);
  });
  server.listen(BILLING.port, "0.0.0.0");
  await once(server, "listening");
  return {
    hang(hangs) {
      isHanging = hangs;
    },
    counts: () => ({ requests }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readJson(request);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(answerOf(request.method ?? "", request.url ?? "", body)));
}

function answerOf(method: string, url: string, body: Record<string, unknown>): unknown {
  const { pathname } = new URL(url, "http://billing");
  if (pathname === "/openapi.json") return { openapi: "3.1.0" };
  if (pathname === "/readyz") return { ready: true, schema: SCHEMA };
  if (pathname === "/billing/vouchers/list") return [];
  if (pathname === "/billing/vouchers/issue")
    return { ...body, times_redeemed: 0, created_at: "2026-01-01T00:00:00Z" };
  if (pathname === "/billing/vouchers/redeem-preview")
    return {
      code: String(body.code).trim().toUpperCase(),
      credit_omr,
      description,
      active: true,
      accepting_redemptions: true,
    };
  return method === "DELETE" ? { ok: true } : {};
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
}
