import Type from "typebox";
import type { Registry } from "../../../platform/metrics.ts";
import type { Branding } from "../../branding.ts";
import { RequestError } from "../../errors.ts";
import { MAX_CODE_LENGTH, voucherKey } from "../../voucher/voucher.ts";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import { isKnown, TAG } from "../entity-tag.ts";
import type { PreviewLimiter } from "../limit/preview-limiter.ts";
import type { ApiDocument } from "../openapi.ts";
import { type Answer, json, type Operation, operation } from "../operation.ts";
import { chooseLanguage } from "../page/language.ts";
import { createRedeemPage, type RedeemState } from "../page/redeem-page.ts";
import { codeOf } from "../problem.ts";
import { PROBLEMS } from "../problem-table.ts";
import { NotReadyAnswer, ReadyAnswer } from "../schema/state.ts";

export interface Readiness {
  ready: boolean;
  body: Record<string, unknown>;
}

const OkText = Type.Object({ status: Type.Literal("ok") }, { additionalProperties: false });

/** The page for people, and the endpoints for machines that watch. `apiDocument` is known once all operations are. */
export function pageOperations(deps: {
  vouchers: VoucherService;
  limiter: PreviewLimiter;
  branding: () => Branding;
  sovereignFqdn: string;
  readiness: () => Promise<Readiness>;
  registry: Registry;
  apiDocument: () => ApiDocument;
}): Operation[] {
  const { vouchers, limiter, branding, sovereignFqdn, readiness, registry, apiDocument } = deps;
  const renderRedeemPage = createRedeemPage({ sovereignFqdn });

  async function lookUp(client: string, code: string): Promise<{ status: number; state: RedeemState }> {
    if (voucherKey(code) === "") return { status: 200, state: { kind: "blank" } };
    try {
      const voucher =
        code.length > MAX_CODE_LENGTH ? undefined : await limiter.admit(client, () => vouchers.preview(code));
      if (voucher === undefined) return { status: 404, state: { kind: "not-valid" } };
      return voucher.accepting_redemptions
        ? { status: 200, state: { kind: "offer", voucher } }
        : { status: 410, state: { kind: "ended", voucher } };
    } catch (error) {
      if (error instanceof RequestError && error.code === "rate_limited") {
        return {
          status: 429,
          state: { kind: "busy", retryAfterS: Math.ceil((error.retryAfterMs ?? 0) / 1000) },
        };
      }
      if (PROBLEMS[codeOf(error)].status === 503) {
        return { status: 503, state: { kind: "unavailable" } };
      }
      throw error;
    }
  }

  return [
    operation({
      id: "redeemPage",
      method: "get",
      path: "/redeem",
      summary: "A page that shows what a voucher offers and leads to sign-up",
      access: "anyone",
      query: {
        code: Type.String({ maxLength: MAX_CODE_LENGTH }),
        lang: Type.String({ description: "`en` or `ar`; left out: as Accept-Language wishes." }),
      },
      answers: { 200: "text/html", 404: "text/html", 410: "text/html", 429: "text/html", 503: "text/html" },
      async handle({ query, client, headers }): Promise<Answer> {
        const code = query.code ?? "";
        const { status, state } = await lookUp(client, code);
        const language = chooseLanguage(query.lang, headers["accept-language"]);
        const page = renderRedeemPage({ state, code, language }, branding());
        const retry = state.kind === "busy" ? { "Retry-After": String(Math.max(1, state.retryAfterS)) } : {};
        return {
          kind: "text",
          status,
          contentType: "text/html; charset=utf-8",
          text: page.html,
          headers: { ...page.headers, ...retry },
        };
      },
    }),
    operation({
      id: "readApi",
      method: "get",
      path: "/openapi.json",
      summary: "This document",
      access: "anyone",
      answers: { 200: Type.Object({}), 304: [] },
      answerHeaders: TAG,
      async handle({ headers: asked }): Promise<Answer> {
        const { text, etag } = apiDocument();
        const headers = { "Cache-Control": "no-cache", ETag: etag };
        return isKnown(asked, etag)
          ? { kind: "empty", status: 304, headers }
          : { kind: "text", status: 200, contentType: "application/json; charset=utf-8", text, headers };
      },
    }),
    operation({
      id: "checkLiveness",
      method: "get",
      path: "/healthz",
      summary: "The process answers",
      access: "anyone",
      answers: { 200: OkText },
      handle: async () => json({ status: "ok" }),
    }),
    operation({
      id: "checkReadiness",
      method: "get",
      path: "/readyz",
      summary: "The database answers; its schema as measured in the last half minute",
      access: "anyone",
      answers: { 200: ReadyAnswer, 503: NotReadyAnswer },
      async handle() {
        const { ready, body } = await readiness();
        return json(body, ready ? 200 : 503);
      },
    }),
    operation({
      id: "readMetrics",
      method: "get",
      path: "/metrics",
      summary: "Metrics in the Prometheus text format",
      access: "anyone",
      answers: { 200: "text/plain" },
      handle: async (): Promise<Answer> => ({
        kind: "text",
        status: 200,
        contentType: registry.contentType,
        text: await registry.metrics(),
      }),
    }),
  ];
}
