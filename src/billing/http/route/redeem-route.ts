import { randomInt } from "node:crypto";
import Type from "typebox";
import type { Branding } from "../../branding.ts";
import { RequestError } from "../../errors.ts";
import { voucherKey } from "../../voucher/key.ts";
import { MAX_CODE_LENGTH, type VoucherOffer } from "../../voucher/voucher.ts";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import { limitKey, type PreviewLimiter } from "../limit/preview-limiter.ts";
import { type Answer, type Operation, operation } from "../operation.ts";
import { chooseLanguage } from "../page/language.ts";
import { createRedeemPage, type RedeemState } from "../page/redeem-page.ts";
import { codeOf } from "../problem.ts";
import { PROBLEMS } from "../problem-table.ts";

/**
 * Redirects to the redeem page, because a person who types a Sovereign's address has a voucher. The redirect is relative,
 * because a gateway may add a prefix.
 */
export function homeOperation(): Operation {
  return operation({
    id: "home",
    method: "get",
    path: "/",
    summary: "Leads to the redeem page",
    access: "anyone",
    answers: { 303: [] },
    answerHeaders: { Location: "The redeem page, relative to this address." },
    handle: async (): Promise<Answer> => ({ kind: "empty", status: 303, headers: { Location: "redeem" } }),
  });
}

/** Visitors behind one address wait for the end of the same minute. Their pages try again within this many seconds. */
const SPREAD_S = 10;

/** The page that a voucher's link opens. */
export function redeemOperation(deps: {
  vouchers: VoucherService;
  limiter: PreviewLimiter;
  branding: () => Branding;
  sovereignFqdn: string;
  currency: string;
}): Operation {
  const { vouchers, limiter, branding, sovereignFqdn, currency } = deps;
  const renderRedeemPage = createRedeemPage({ sovereignFqdn, currency });

  async function lookUp(client: string, code: string): Promise<{ status: number; state: RedeemState }> {
    if (voucherKey(code) === "") return { status: 200, state: { kind: "blank" } };
    try {
      const found =
        code.length > MAX_CODE_LENGTH ? undefined : await limiter.admit(client, () => vouchers.preview(code));
      if (found === undefined) return { status: 404, state: { kind: "not-valid" } };
      // The statuses are those of the preview.
      return { status: found.standing === "live" ? 200 : 410, state: stateOf(found) };
    } catch (error) {
      if (error instanceof RequestError && error.code === "rate_limited") {
        return {
          status: 429,
          state: {
            kind: "busy",
            retryAfterS: Math.max(1, Math.ceil((error.retryAfterMs ?? 0) / 1000)),
            spreadS: randomInt(SPREAD_S),
          },
        };
      }
      if (PROBLEMS[codeOf(error)].status === 503) {
        return { status: 503, state: { kind: "unavailable" } };
      }
      throw error;
    }
  }

  return operation({
    id: "redeemPage",
    method: "get",
    path: "/redeem",
    summary: "A page that shows a voucher's offer and links to sign-up",
    access: "anyone",
    identifiesCaller: true,
    query: {
      code: Type.String({ maxLength: MAX_CODE_LENGTH }),
      lang: Type.String({ description: "`en` or `ar`. When it is left out, Accept-Language decides." }),
    },
    answers: { 200: "text/html", 404: "text/html", 410: "text/html", 429: "text/html", 503: "text/html" },
    async handle({ query, caller, client, headers }): Promise<Answer> {
      const code = query.code ?? "";
      const { status, state } = await lookUp(limitKey(caller, client), code);
      const language = chooseLanguage(query.lang, headers["accept-language"]);
      const page = renderRedeemPage({ state, code, language }, branding());
      const retry = state.kind === "busy" ? { "Retry-After": String(state.retryAfterS) } : {};
      return {
        kind: "text",
        status,
        contentType: "text/html; charset=utf-8",
        text: page.html,
        headers: { ...page.headers, ...retry },
      };
    },
  });
}

function stateOf({ preview: voucher, standing, startsAt, expiresAt }: VoucherOffer): RedeemState {
  if (standing === "live") return { kind: "offer", voucher, expiresAt };
  return standing === "scheduled" && startsAt !== null
    ? { kind: "scheduled", voucher, startsAt }
    : { kind: "ended", voucher };
}
