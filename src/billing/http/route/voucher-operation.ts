import type { Static } from "typebox";
import Type from "typebox";
import { claimOf } from "../../db/idempotency.ts";
import { RequestError } from "../../errors.ts";
import { actorOf } from "../../voucher/audit.ts";
import { mayMeanOne } from "../../voucher/code.ts";
import { voucherKey } from "../../voucher/key.ts";
import type { VoucherFilter } from "../../voucher/list.ts";
import { voucherTag } from "../../voucher/precondition.ts";
import {
  type IssueTerms,
  STANDINGS,
  type Voucher,
  type VoucherRecord,
  type VoucherTerms,
} from "../../voucher/voucher.ts";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import { formatTag, matchOf, preconditionOf } from "../entity-tag.ts";
import type { IssueLimiter } from "../limit/issue-limiter.ts";
import { ADMINS, type Answer, json, type Operation, operation } from "../operation.ts";
import {
  formatCursor,
  NEXT_PAGE,
  nextPageHeaders,
  pageQuery,
  parameterError,
  parseCursor,
  parseLimit,
} from "../paging.ts";
import { OkAnswer } from "../schema/field.ts";
import {
  type IssueBody,
  type PromoBody,
  standing,
  UpdateBody,
  VoucherAnswer,
  VoucherRecordAnswer,
} from "../schema/voucher.ts";

/** The names of an operation. The two APIs offer the same operations under different paths. */
interface Place {
  id: string;
  path: string;
  summary: string;
}

const MAX_SEARCH_LENGTH = 200;

const TAG = {
  ETag: "The version of the voucher's terms. Send it as `If-Match` with a change. A redemption does not change it.",
};

/** A voucher with its tag. */
function answerOf(voucher: VoucherRecord): Answer {
  return json(voucher, 200, { ETag: formatTag(voucherTag(voucher)) });
}

/** Whether the answer has a standing. Answers of the earlier service have none, and its clients compare whole rows. */
interface Shown extends Place {
  showsStanding: boolean;
}

function recordOf({ standing: _, ...record }: Voucher): VoucherRecord {
  return record;
}

export function listOperation(
  { vouchers }: { vouchers: VoucherService },
  { showsStanding, ...place }: Shown,
): Operation {
  return operation({
    ...place,
    method: "get",
    access: ADMINS,
    query: {
      ...pageQuery,
      active: Type.Boolean({ description: "Only vouchers with this value of `active`." }),
      standing: {
        ...standing,
        description: "Only vouchers with this standing. Without it, all that are not revoked.",
      },
      q: Type.String({
        maxLength: MAX_SEARCH_LENGTH,
        description:
          "Only vouchers with this text in the code or the description, in upper or lower case. There are no wildcards. Blank: all vouchers.",
      }),
    },
    answers: { 200: Type.Array(showsStanding ? VoucherAnswer : VoucherRecordAnswer) },
    answerHeaders: NEXT_PAGE,
    async handle({ query }) {
      const limit = parseLimit(query.limit);
      const filter = parseFilter(query);
      const after = query.cursor === undefined ? undefined : parseCursor(query.cursor);
      const page = await vouchers.list(limit, after, filter);
      const cursor = page.next && formatCursor(page.next);
      const more = nextPageHeaders({
        limit,
        cursor,
        active: filter.active,
        standing: filter.standing,
        q: filter.text,
      });
      return json(showsStanding ? page.vouchers : page.vouchers.map(recordOf), 200, more);
    },
  });
}

export function issueOperation(
  { vouchers, issueLimiter }: { vouchers: VoucherService; issueLimiter: IssueLimiter },
  { body, ...place }: Place & { body: typeof IssueBody | typeof PromoBody },
): Operation {
  return operation({
    ...place,
    method: "post",
    access: ADMINS,
    body,
    takesIdempotencyKey: true,
    conditions: ["If-Match", "If-None-Match"],
    answers: { 200: VoucherRecordAnswer },
    answerHeaders: TAG,
    raises: [
      "voucher_invalid",
      "voucher_blank",
      "voucher_exists",
      "voucher_changed",
      "grant_exceeded",
      "grants_unavailable",
      "rate_limited",
    ],
    async handle({ body: asked, caller, idempotencyKey, headers }) {
      await issueLimiter(caller);
      const precondition = preconditionOf(headers);
      const request = ["POST", place.path, asked, ...(precondition === undefined ? [] : [precondition])];
      const claim = claimOf(caller.userId, idempotencyKey, request);
      const terms = termsOf(asked);
      return answerOf(await vouchers.issue(asked.code, terms, actorOf(caller), { claim, precondition }));
    },
  });
}

export function readOperation(
  { vouchers }: { vouchers: VoucherService },
  { showsStanding, ...place }: Shown,
): Operation {
  return operation({
    ...place,
    method: "get",
    access: ADMINS,
    blankParams: ["code"],
    answers: { 200: showsStanding ? VoucherAnswer : VoucherRecordAnswer },
    answerHeaders: TAG,
    raises: ["voucher_not_found", "voucher_blank"],
    async handle({ params }) {
      const voucher = await vouchers.read(params.code ?? "");
      return answerOf(showsStanding ? voucher : recordOf(voucher));
    },
  });
}

export function updateOperation({ vouchers }: { vouchers: VoucherService }, place: Place): Operation {
  return operation({
    ...place,
    method: "put",
    access: ADMINS,
    blankParams: ["code"],
    body: UpdateBody,
    conditions: ["If-Match"],
    answers: { 200: VoucherRecordAnswer },
    answerHeaders: TAG,
    raises: [
      "voucher_not_found",
      "voucher_blank",
      "voucher_invalid",
      "voucher_changed",
      "grant_exceeded",
      "grants_unavailable",
    ],
    async handle({ params, body, caller, headers }) {
      const code = params.code ?? "";
      if (body.code !== undefined && !mayMeanOne(voucherKey(body.code), voucherKey(code))) {
        throw new RequestError(
          "request_invalid",
          "/code differs from the code in the path: a voucher's code cannot change",
          { fields: [{ field: "/code", rule: "must be the code in the path" }] },
        );
      }
      return answerOf(await vouchers.update(code, namedTerms(body), actorOf(caller), matchOf(headers)));
    },
  });
}

export function revokeOperation({ vouchers }: { vouchers: VoucherService }, place: Place): Operation {
  return operation({
    ...place,
    method: "delete",
    access: ADMINS,
    blankParams: ["code"],
    conditions: ["If-Match"],
    answers: { 200: OkAnswer },
    raises: ["voucher_not_found", "voucher_blank", "voucher_changed"],
    async handle({ params, caller, headers }) {
      await vouchers.revoke(params.code ?? "", actorOf(caller), matchOf(headers));
      return json({ ok: true });
    },
  });
}

/**
 * A member that is left out gets its default, but the dates of an existing voucher stay. The earlier service's clients do
 * not send dates, and must not erase an expiry that another client set.
 */
function termsOf(body: Static<typeof IssueBody>): IssueTerms {
  const { starts_at, expires_at } = body as { starts_at?: string | null; expires_at?: string | null };
  return {
    ...(starts_at === undefined ? {} : { starts_at }),
    ...(expires_at === undefined ? {} : { expires_at }),
    credit_omr: body.credit_omr,
    description: body.description ?? "",
    active: body.active ?? true,
    max_redemptions: body.max_redemptions ?? 0,
  };
}

function namedTerms(body: Static<typeof UpdateBody>): Partial<VoucherTerms> {
  const { code, times_redeemed, created_at, deleted_at, standing, ...terms } = body;
  return terms as Partial<VoucherTerms>;
}

function parseFilter({ active, standing: wanted, q }: Readonly<Record<string, string>>): VoucherFilter {
  const asked = STANDINGS.find((one) => one === wanted);
  if (wanted !== undefined && asked === undefined)
    throw parameterError("standing", `must be one of ${STANDINGS.join(", ")}`);
  if (active !== undefined && active !== "true" && active !== "false")
    throw parameterError("active", "must be true or false");
  const text = q?.trim() ?? "";
  if (text.length > MAX_SEARCH_LENGTH)
    throw parameterError("q", `must have at most ${MAX_SEARCH_LENGTH} characters`);
  return {
    ...(active === undefined ? {} : { active: active === "true" }),
    ...(asked === undefined ? {} : { standing: asked }),
    ...(text === "" ? {} : { text }),
  };
}
