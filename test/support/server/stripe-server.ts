import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import Stripe from "stripe";
import { startHttpServer } from "../../../src/platform/http-server.ts";
import { answerPayment, type StripePayments } from "./stripe-invoice.ts";
import {
  answerSubscription,
  mergedMetadata,
  type StripeFields,
  type StripeSubscriptions,
} from "./stripe-subscription.ts";

type Fields = StripeFields;

export const SECRET_KEY = "sk_test_0123456789abcdef";

interface Gateway {
  status: number;
  body: unknown;
}

export interface StripeServer extends StripeSubscriptions {
  origin: string;
  /** The settings of a billing service that uses this server. */
  env: { STRIPE_API_BASE: string; STRIPE_SECRET_KEY: string; STRIPE_WEBHOOK_SECRET: string };
  webhookSecret: string;
  /** All requests so far, oldest first. */
  asked: {
    method: string;
    path: string;
    fields: Fields;
    idempotencyKey: string | undefined;
    authorization: string;
  }[];
  sessions: Map<string, Fields>;
  payments: StripePayments;
  /**
   * A fault instead of an answer: a status with an error, a connection that is closed before or after the work, or the answer
   * of a gateway in front of Stripe. `refuse-new` refuses new sessions only, `forbid` refuses the key for
   * subscriptions, and `forbid-customers` for customers, also for those within a subscription.
   */
  fault:
    | "none"
    | "refuse"
    | "refuse-new"
    | "forbid"
    | "forbid-customers"
    | "unauthorized"
    | "away"
    | "cut-after"
    | "in-use"
    | Gateway;
  delayMs: number;
  /** Addresses that are refused. */
  refusedEmails: Set<string>;
  /** In the currency's minor unit. */
  minimumAmount: number;
  /** The session of an order. */
  sessionOf(orderId: string): Fields & { id: string };
  setSession(id: string, change: Fields): void;
  /** A session as the API and events show it. */
  describe(id: string): Record<string, unknown>;
  /** A webhook's body and its signature, as Stripe would send them. */
  event(
    type: string,
    object: unknown,
    more?: { id?: string; created?: number; secret?: string; at?: number },
  ): {
    raw: string;
    headers: Record<string, string>;
  };
  close(): Promise<void>;
}

const json = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { "content-type": "application/json", "request-id": "req_test" });
  response.end(JSON.stringify(body));
};

/**
 * The part of Stripe's API that billing uses, with its rules for idempotency keys and its states of sessions, over HTTP on
 * loopback.
 */
export async function startStripeServer(): Promise<StripeServer> {
  const answers = new Map<
    string,
    { body: string; answer: { status: number; sessionId?: string; error?: object } }
  >();
  const server: Omit<StripeServer, "origin" | "env" | "close" | "describe"> = {
    webhookSecret: "whsec_test_0123456789",
    asked: [],
    sessions: new Map(),
    payments: new Map(),
    subscriptions: new Map(),
    customers: new Map(),
    fault: "none",
    delayMs: 0,
    goneCustomers: new Set(),
    refusedEmails: new Set(),
    minimumAmount: 1,
    sessionOf(orderId) {
      for (const [id, fields] of server.sessions)
        if (fields.client_reference_id === orderId) return { ...fields, id };
      throw new Error(`no session for order ${orderId}`);
    },
    setSession(id, change) {
      server.sessions.set(id, { ...server.sessions.get(id), ...change });
    },
    event(type, object, more = {}) {
      const created = more.created ?? Math.floor(Date.now() / 1000);
      const raw = JSON.stringify({
        id: more.id ?? `evt_${randomBytes(8).toString("hex")}`,
        object: "event",
        type,
        created,
        data: { object },
      });
      const signature = Stripe.webhooks.generateTestHeaderString({
        payload: raw,
        secret: more.secret ?? server.webhookSecret,
        timestamp: more.at ?? Math.floor(Date.now() / 1000),
      });
      return { raw, headers: { "stripe-signature": signature } };
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const fields: Fields = Object.fromEntries(new URLSearchParams(body));
    const { pathname: path, searchParams } = new URL(request.url ?? "", "http://stripe.test");
    const method = request.method ?? "";
    const idempotencyKey = request.headers["idempotency-key"];
    const key = typeof idempotencyKey === "string" ? idempotencyKey : undefined;
    server.asked.push({
      method,
      path,
      fields,
      idempotencyKey: key,
      authorization: request.headers.authorization ?? "",
    });
    if (server.delayMs > 0) await new Promise((done) => setTimeout(done, server.delayMs));
    if (typeof server.fault === "object") return json(response, server.fault.status, server.fault.body);
    if (server.fault === "away") return void request.socket.destroy();
    const isForbidden =
      (server.fault === "forbid" && path.startsWith("/v1/subscriptions/")) ||
      (server.fault === "forbid-customers" && /^\/v1\/customers\/|expand/.test(request.url ?? ""));
    if (isForbidden)
      return json(response, 403, { error: { type: "invalid_request_error", message: "not for this key" } });
    if (server.fault === "refuse" || (server.fault === "refuse-new" && path === "/v1/checkout/sessions"))
      return json(response, 400, {
        error: { type: "invalid_request_error", code: "url_invalid", param: "success_url", message: "no" },
      });
    if (server.fault === "unauthorized")
      return json(response, 401, {
        error: { type: "invalid_request_error", message: "Invalid API Key provided: sk_test" },
      });
    if (server.fault === "in-use")
      return json(response, 409, {
        error: { type: "idempotency_error", code: "idempotency_key_in_use", message: "no" },
      });
    const [, paymentId] = /^\/v1\/(?:invoices|payment_intents|charges)\/(\w+)$/.exec(path) ?? [];
    const answered =
      paymentId === undefined
        ? work(method, path, fields, body, key)
        : answerPayment(server.payments, method, paymentId, fields, [...searchParams.values()]);
    if (server.fault === "cut-after") return void request.socket.destroy();
    return json(response, answered.status, answered.body);
  }

  const refusalOf = (error: object) => ({
    status: 400,
    body: { error: { type: "invalid_request_error", message: "no", ...error } },
  });

  function createSession(fields: Fields): { status: number; sessionId?: string; error?: object } {
    const refuse = (error: object) => ({ status: 400, error: refusalOf(error).body.error });
    if (server.goneCustomers.has(fields.customer ?? ""))
      return refuse({ code: "resource_missing", param: "customer" });
    if (server.refusedEmails.has(fields.customer_email ?? ""))
      return refuse({ code: "email_invalid", param: "customer_email" });
    if (Number(fields["line_items[0][price_data][unit_amount]"]) < server.minimumAmount)
      return refuse({ code: "amount_too_small" });
    const sessionId = `cs_test_${randomBytes(8).toString("hex")}`;
    server.sessions.set(sessionId, { ...fields, status: "open", payment_status: "unpaid" });
    return { status: 200, sessionId };
  }

  function work(
    method: string,
    path: string,
    fields: Fields,
    body: string,
    key: string | undefined,
  ): { status: number; body: unknown } {
    if (path === "/v1/checkout/sessions") {
      const before = key === undefined ? undefined : answers.get(key);
      if (before !== undefined && before.body !== body)
        return { status: 400, body: { error: { type: "idempotency_error", message: "other parameters" } } };
      const answer = before?.answer ?? createSession(fields);
      // A refusal is stored too.
      if (key !== undefined) answers.set(key, { body, answer });
      const { status, sessionId, error } = answer;
      return { status, body: sessionId === undefined ? { error } : describe(sessionId) };
    }
    const [, id, action] = /^\/v1\/checkout\/sessions\/(\w+)(\/expire)?$/.exec(path) ?? [];
    if (id !== undefined) {
      if (!server.sessions.has(id))
        return { status: 404, body: { error: { type: "invalid_request_error", code: "resource_missing" } } };
      if (server.sessions.get(id)?.fault === "broken")
        return {
          status: 500,
          body: { error: { type: "api_error", message: "this session cannot be read" } },
        };
      if (action !== undefined && server.sessions.get(id)?.status !== "open")
        return refusalOf({ message: 'Only Checkout Sessions with a status in ["open"] can be expired.' });
      if (action !== undefined) server.setSession(id, { status: "expired" });
      return { status: 200, body: describe(id) };
    }
    const gone = { type: "invalid_request_error", code: "resource_missing", message: "no such subscription" };
    const [, subscriptionId] = /^\/v1\/subscriptions\/(\w+)$/.exec(path) ?? [];
    if (subscriptionId?.startsWith("gone")) return { status: 404, body: { error: gone } };
    if (subscriptionId?.startsWith("stuck"))
      return { status: 400, body: { error: { type: "invalid_request_error", message: "not now" } } };
    if (subscriptionId !== undefined) return answerSubscription(server, method, subscriptionId, fields);
    const [, customerId] = /^\/v1\/customers\/(\w+)$/.exec(path) ?? [];
    if (customerId !== undefined && !server.goneCustomers.has(customerId))
      server.customers.set(customerId, mergedMetadata(server.customers.get(customerId), fields));
    if (customerId !== undefined)
      return server.goneCustomers.has(customerId)
        ? refusalOf({ code: "resource_missing", param: "id" })
        : { status: 200, body: { id: customerId, object: "customer" } };
    if (path === "/v1/billing_portal/sessions" && server.goneCustomers.has(fields.customer ?? ""))
      return refusalOf({ code: "resource_missing", param: "customer" });
    if (path === "/v1/billing_portal/sessions")
      return { status: 200, body: { id: "bps_1", url: `https://billing.example/${fields.customer}` } };
    return {
      status: 404,
      body: { error: { type: "invalid_request_error", message: `no such path ${path}` } },
    };
  }

  function describe(id: string) {
    const fields = server.sessions.get(id) ?? {};
    return {
      id,
      object: "checkout.session",
      url: fields.status === "open" ? `https://checkout.example/c/${id}` : null,
      status: fields.status,
      payment_status: fields.payment_status,
      amount_total: Number(fields["line_items[0][price_data][unit_amount]"]),
      currency: fields["line_items[0][price_data][currency]"],
      client_reference_id: fields.client_reference_id,
      customer: fields.customer ?? `cus_${id.slice(-8)}`,
      subscription: fields.subscription ?? null,
      created: Number(fields.created ?? Math.floor(Date.now() / 1000)),
      metadata: { order_id: fields["metadata[order_id]"] },
    };
  }

  const http = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    handler: (request, response) => void answer(request, response).catch(() => response.destroy()),
  });
  // Extends `server` itself, because its accessors read and write the state.
  return Object.assign(server, {
    origin: http.origin,
    env: {
      STRIPE_API_BASE: http.origin,
      STRIPE_SECRET_KEY: SECRET_KEY,
      STRIPE_WEBHOOK_SECRET: server.webhookSecret,
    },
    close: () => http.close(0),
    describe,
  });
}
