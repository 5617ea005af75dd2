import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Where a request stands in a trace (W3C Trace Context): the caller's trace, or one that starts here. */
export interface TraceContext {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits: this request. */
  spanId: string;
  sampled: boolean;
  /** `tracestate`, passed on as it came. */
  state?: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/** The caller's trace when its header is exactly as the standard says; else a new one, and `tracestate` counts for nothing. */
export function traceContextOf(headers: IncomingHttpHeaders): TraceContext {
  const { traceparent, tracestate } = headers;
  const caller = typeof traceparent === "string" ? parseTraceparent(traceparent) : undefined;
  const spanId = drawSpanId();
  if (caller === undefined) return { traceId: randomUUID().replaceAll("-", ""), spanId, sampled: false };
  const state = [tracestate ?? []].flat().join(",");
  return { ...caller, spanId, ...(TRACESTATE.test(state) ? { state } : {}) };
}

/** The random ends of a UUID: Node draws those from a stock, where each `randomBytes` is a job of its own. */
function drawSpanId(): string {
  const uuid = randomUUID();
  return uuid.slice(0, 8) + uuid.slice(28);
}

export function parseTraceparent(text: string): { traceId: string; sampled: boolean } | undefined {
  const [, version, traceId = "", parentId = "", flags = "", rest] = TRACEPARENT.exec(text) ?? [];
  // Version 00 ends here; a later one may go on, behind a hyphen.
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  return { traceId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export type Tracing = ReturnType<typeof createTracing>;

/** Carries a request's trace to the calls that it causes, however deep below the handler they are made. */
export function createTracing() {
  const current = new AsyncLocalStorage<TraceContext>();
  return {
    run: (context: TraceContext, work: () => void): void => current.run(context, work),
    /** Adds the trace to each call, under a span of its own. For services of the platform: strangers learn nothing. */
    fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
      const context = current.getStore();
      if (context === undefined) return fetch(input, init);
      const headers = new Headers(init.headers);
      const spanId = drawSpanId();
      headers.set("traceparent", `00-${context.traceId}-${spanId}-${context.sampled ? "01" : "00"}`);
      if (context.state !== undefined) headers.set("tracestate", context.state);
      return fetch(input, { ...init, headers });
    },
  };
}
