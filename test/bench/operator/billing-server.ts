import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { BILLING } from "../../../src/api/name.ts";
import { SMOKE_TEST } from "../../../src/billing/voucher/voucher.ts";

/** Answers the smoke test as billing does, on a few loopback addresses that all Pods share. */
export interface BillingServer {
  /** The address for the next Pod. Billing at a `hanging` address accepts requests and never answers. */
  address(isHanging: boolean): string;
  counts(): { requests: number };
}

const ADDRESSES = 64;

export const SCHEMA = { version: "0006", fingerprint: `sha256:${"b".repeat(64)}` };
/** The terms of the voucher that the smoke test issues, and so expects in a preview. */
const { credit_omr, description } = SMOKE_TEST;

export async function startBillingServer(): Promise<BillingServer> {
  let requests = 0;
  let pods = 0;
  // Playgrounds use 127.64.0.0 to 127.127.255.255 on the same port.
  const prefix = `127.${2 + (process.pid % 62)}.${(process.pid >> 6) & 255}`;
  const hanging = `${prefix}.${ADDRESSES + 1}`;
  async function listen(host: string): Promise<void> {
    const server = createServer((request, response) => {
      requests += 1;
      if (host !== hanging) void answer(request, response);
    });
    server.listen(BILLING.port, host);
    await once(server, "listening");
  }
  for (let last = 1; last <= ADDRESSES; last += 1) await listen(`${prefix}.${last}`);
  await listen(hanging);
  return {
    address(isHanging) {
      pods += 1;
      return isHanging ? hanging : `${prefix}.${1 + (pods % ADDRESSES)}`;
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
