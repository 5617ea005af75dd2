import type { Static } from "typebox";
import Type from "typebox";
import { RequestError, VoucherError } from "../../errors.ts";
import { claimOf } from "../../idempotency.ts";
import type { Caller } from "../../token.ts";
import { type VoucherTerms, voucherKey } from "../../voucher.ts";
import { type Actor, OPERATOR_ACTOR, type VoucherService } from "../../voucher-service.ts";
import { ADMINS, type Answer, json, type Operation, operation } from "../operation.ts";
import type { PreviewLimiter } from "../preview-limiter.ts";
import { IssueBody, OkAnswer, PreviewAnswer, PreviewBody, UpdateBody, VoucherAnswer } from "../schema.ts";

const PAGE_SIZE = 1_000;
const pagingQuery = {
  limit: Type.Integer({ minimum: 1, maximum: PAGE_SIZE, default: PAGE_SIZE }),
  cursor: Type.String({ maxLength: 2_000, description: "From the Link header of the page before." }),
};

/** The voucher endpoints, and the older surface under /billing/admin/promos, which is the same service by other paths. */
export function voucherOperations(deps: { vouchers: VoucherService; limiter: PreviewLimiter }): Operation[] {
  const { vouchers, limiter } = deps;

  const list =
    (path: string) =>
    async ({ query }: { query: Readonly<Record<string, string>> }) => {
      const limit = parseLimit(query.limit);
      const page = await vouchers.list(
        limit,
        query.cursor === undefined ? undefined : parseCursor(query.cursor),
      );
      const link = page.next && `<${path}?limit=${limit}&cursor=${formatCursor(page.next)}>; rel="next"`;
      return json(page.vouchers, 200, link === undefined ? {} : { Link: link });
    };

  const issue = (id: string, path: string, summary: string) =>
    operation({
      id,
      method: "post",
      path,
      summary,
      access: ADMINS,
      body: IssueBody,
      takesIdempotencyKey: true,
      answers: { 200: VoucherAnswer },
      async handle({ body, caller, idempotencyKey }) {
        const claim = claimOf(caller.userId, idempotencyKey, ["POST", path, body]);
        return json(await vouchers.issue(body.code, termsOf(body), actorOf(caller), claim));
      },
    });

  const revoke = (id: string, path: string, summary: string) =>
    operation({
      id,
      method: "delete",
      path,
      summary,
      access: ADMINS,
      answers: { 200: OkAnswer },
      async handle({ params, caller }) {
        await vouchers.revoke(params.code ?? "", actorOf(caller));
        return json({ ok: true });
      },
    });

  return [
    issue(
      "issueVoucher",
      "/billing/vouchers/issue",
      "Issue a voucher, change its terms, or bring a revoked one back",
    ),
    operation({
      id: "listVouchers",
      method: "get",
      path: "/billing/vouchers/list",
      summary: "Live vouchers, newest first",
      access: ADMINS,
      query: pagingQuery,
      answers: { 200: Type.Array(VoucherAnswer) },
      handle: list("/billing/vouchers/list"),
    }),
    revoke("revokeVoucher", "/billing/vouchers/revoke/{code}", "Revoke a live voucher"),
    operation({
      id: "previewVoucher",
      method: "post",
      path: "/billing/vouchers/redeem-preview",
      summary: "Validate a voucher without consuming it",
      access: "anyone",
      body: PreviewBody,
      answers: { 200: PreviewAnswer, 410: PreviewAnswer },
      async handle({ body, client }): Promise<Answer> {
        const found = await limiter.admit(client, () => vouchers.preview(body.code));
        // Never existed and revoked are one answer, made in one place.
        if (found === undefined)
          throw new VoucherError("voucher_not_found", "no voucher has this code: check the code");
        return json(found, found.accepting_redemptions ? 200 : 410);
      },
    }),
    operation({
      id: "listPromos",
      method: "get",
      path: "/billing/admin/promos",
      summary: "The older list: as /billing/vouchers/list",
      access: ADMINS,
      query: pagingQuery,
      answers: { 200: Type.Array(VoucherAnswer) },
      handle: list("/billing/admin/promos"),
    }),
    issue("upsertPromo", "/billing/admin/promos", "The older upsert: as /billing/vouchers/issue"),
    operation({
      id: "updatePromo",
      method: "put",
      path: "/billing/admin/promos/{code}",
      summary: "Change the named terms of a live voucher",
      access: ADMINS,
      body: UpdateBody,
      answers: { 200: VoucherAnswer },
      async handle({ params, body, caller }) {
        const code = params.code ?? "";
        if (body.code !== undefined && voucherKey(body.code) !== voucherKey(code)) {
          throw new RequestError(
            "request_invalid",
            "/code differs from the code in the path: a voucher keeps its code",
            {
              fields: [{ field: "/code", rule: "must be the code in the path" }],
            },
          );
        }
        return json(await vouchers.update(code, namedTerms(body), actorOf(caller)));
      },
    }),
    revoke(
      "deletePromo",
      "/billing/admin/promos/{code}",
      "The older revoke: as /billing/vouchers/revoke/{code}",
    ),
  ];
}

/** An issue says everything: what it leaves out takes its default, so equal bodies leave equal vouchers. */
function termsOf(body: Static<typeof IssueBody>): VoucherTerms {
  return {
    credit_omr: body.credit_omr,
    description: body.description ?? "",
    active: body.active ?? true,
    max_redemptions: body.max_redemptions ?? 0,
    starts_at: (body.starts_at as string | null | undefined) ?? null,
    expires_at: (body.expires_at as string | null | undefined) ?? null,
  };
}

function namedTerms(body: Static<typeof UpdateBody>): Partial<VoucherTerms> {
  const { code, times_redeemed, created_at, deleted_at, ...terms } = body;
  return terms as Partial<VoucherTerms>;
}

function actorOf(caller: Caller): Actor {
  return caller.issuer === "operator"
    ? { name: OPERATOR_ACTOR, boundByGrants: false }
    : { name: `${caller.issuer}:${caller.userId}`, boundByGrants: true };
}

export function parseLimit(text: string | undefined): number {
  if (text === undefined) return PAGE_SIZE;
  const limit = Number(text);
  if (!/^\d{1,6}$/.test(text) || limit < 1 || limit > PAGE_SIZE) {
    throw new RequestError("request_invalid", `limit must be a whole number from 1 to ${PAGE_SIZE}`, {
      fields: [{ field: "limit", rule: `must be a whole number from 1 to ${PAGE_SIZE}` }],
    });
  }
  return limit;
}

interface Cursor {
  createdAt: string;
  code: string;
}

// What PostgreSQL itself wrote: a timestamp with its zone, or -infinity.
const TIMESTAMP_TEXT = /^(-infinity|\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d){0,2})$/;

function formatCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify([cursor.createdAt, cursor.code])).toString("base64url");
}

function parseCursor(text: string): Cursor {
  try {
    const [createdAt, code] = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as unknown[];
    if (
      typeof createdAt === "string" &&
      TIMESTAMP_TEXT.test(createdAt) &&
      typeof code === "string" &&
      !code.includes("\0")
    ) {
      return { createdAt, code };
    }
  } catch {
    // Not one of ours: said below.
  }
  throw new RequestError(
    "request_invalid",
    "cursor is not one of ours: take it from the Link header of the page before",
    {
      fields: [{ field: "cursor", rule: "must come from a Link header" }],
    },
  );
}
