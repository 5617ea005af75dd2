import type { IncomingMessage, RequestListener } from "node:http";
import type { OutboxRelay } from "./outbox-relay.ts";

/** Billing Pods post here after an order was placed, with the Sovereign's FQDN as query parameter `sovereign`. */
export const ORDER_NOTICE_PATH = "/operator/orders-placed";

export const isOrderNotice = ({ url }: IncomingMessage): boolean =>
  url?.split("?", 1)[0] === ORDER_NOTICE_PATH;

/**
 * Answers 204 when the outbox is delivered, 503 when billing should repeat the notice, and 404 when this operator has no
 * migrated Sovereign with this FQDN. Needs no token: a request only starts a pass over that outbox, and requests that
 * arrive meanwhile share one pass.
 */
export function createOrderNoticeHandler(relay: Pick<OutboxRelay, "notice">): RequestListener {
  return async (request, response) => {
    const send = (status: number, headers = {}) => {
      response.writeHead(status, headers);
      response.end();
    };
    request.resume();
    if (request.method !== "POST") return send(405, { allow: "POST" });
    const sovereign = new URL(request.url ?? "", "http://operator").searchParams.get("sovereign") ?? "";
    const isDelivered = await relay.notice(sovereign);
    if (isDelivered === undefined) return send(404);
    return isDelivered ? send(204) : send(503, { "retry-after": "1" });
  };
}
