import Type from "typebox";
import { UUID } from "../../db/uuid.ts";
import type { AuditEntry, AuditFilter } from "../../voucher/audit-reader.ts";
import { MAX_CODE_LENGTH, type VoucherRecord } from "../../voucher/voucher.ts";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import { csvAnswer, wantsCsv } from "../csv.ts";
import { ADMINS, type Answer, json, type Operation, operation } from "../operation.ts";
import { cursorError, NEXT_PAGE, nextPageHeaders, pageQuery, parameterError, parseLimit } from "../paging.ts";
import { nullable, timestamp } from "../schema/field.ts";
import { VoucherRecordAnswer } from "../schema/voucher.ts";

const orNull = (description: string) => nullable(Type.String({ description }));

const AuditAnswer = Type.Object(
  {
    id: Type.String(),
    code: Type.String(),
    action: Type.String({
      description:
        "issue, update, revive or revoke; smoke: the issue by a smoke test; adopt: the earlier service's voucher; record: a change that was found later.",
    }),
    at: timestamp("When it was changed."),
    actor: Type.String({ description: "Issuer and subject, as `issuer:subject`." }),
    issuer: orNull("The issuer of the token."),
    subject: orNull("The subject of the token; in a `record`, the reason."),
    token_id: orNull("The token's `jti`, or `sha256:…` of a token without `jti`."),
    token_issued_at: nullable(timestamp("When the token was issued.")),
    batch: orNull("The bulk issue to which the change belongs."),
    before: nullable(VoucherRecordAnswer),
    after: nullable(VoucherRecordAnswer),
    previous_digest: Type.String({
      description: "The digest of the row before, of any voucher. Empty in the first row.",
    }),
    digest: Type.String({ description: "`sha256:…` over all other members of the row." }),
  },
  { additionalProperties: false },
);

const CURSOR = /^[1-9]\d{0,17}$/;
const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d))?$/;
const MAX_ACTOR_LENGTH = 600;

const TERMS = [
  "credit_omr",
  "description",
  "active",
  "max_redemptions",
  "starts_at",
  "expires_at",
  "deleted_at",
] as const;
const COLUMNS = [
  "id",
  "at",
  "action",
  "code",
  "actor",
  "issuer",
  "subject",
  "token_id",
  "token_issued_at",
  "batch",
  "previous_digest",
  "digest",
] as const;

/** The audit of all vouchers, and that of one. */
export function voucherAuditOperations({ vouchers }: { vouchers: VoucherService }): Operation[] {
  return [
    operation({
      id: "listVoucherAudit",
      method: "get",
      path: "/billing/vouchers/audit",
      summary: "The changes of all vouchers, newest first, also of revoked ones",
      access: ADMINS,
      query: {
        ...pageQuery,
        from: Type.String({
          maxLength: 40,
          description: "Only changes at this time or later. A date means its first moment in UTC.",
        }),
        to: Type.String({ maxLength: 40, description: "Only changes before this time." }),
        actor: Type.String({
          maxLength: MAX_ACTOR_LENGTH,
          description: "Only changes by this user: `issuer:subject`, or the subject alone.",
        }),
        code: Type.String({ maxLength: MAX_CODE_LENGTH, description: "Only changes of this voucher." }),
        batch: Type.String({ format: "uuid", description: "Only vouchers of this bulk issue." }),
        smoke: Type.Boolean({
          default: false,
          description:
            "Only smoke tests. Without it, and without `code`, the operator's smoke tests are left out.",
        }),
      },
      answers: { 200: [Type.Array(AuditAnswer), "text/csv"] },
      answerHeaders: NEXT_PAGE,
      raises: ["voucher_not_found", "voucher_blank"],
      async handle({ query, headers }) {
        const filter = parseFilter(query);
        const { limit, entries, next } = await readPage(filter, query);
        const more = nextPageHeaders({ ...query, limit, cursor: next });
        return wantsCsv(headers.accept) ? auditCsv(entries, more) : json(entries, 200, more);
      },
    }),
    operation({
      id: "readVoucherAudit",
      method: "get",
      path: "/billing/vouchers/audit/{code}",
      summary: "The changes of a voucher, newest first, also after it was revoked",
      access: ADMINS,
      blankParams: ["code"],
      query: pageQuery,
      answers: { 200: Type.Array(AuditAnswer) },
      answerHeaders: NEXT_PAGE,
      raises: ["voucher_not_found", "voucher_blank"],
      async handle({ params, query }) {
        const { limit, entries, next } = await readPage({ code: params.code ?? "" }, query);
        return json(entries, 200, nextPageHeaders({ limit, cursor: next }));
      },
    }),
  ];

  async function readPage(filter: AuditFilter, query: Readonly<Record<string, string>>) {
    const limit = parseLimit(query.limit);
    const { cursor } = query;
    if (cursor !== undefined && !CURSOR.test(cursor)) throw cursorError();
    return { limit, ...(await vouchers.readAudit(filter, limit, cursor)) };
  }
}

function parseFilter(query: Readonly<Record<string, string>>): AuditFilter {
  const { from, to, actor, code, batch, smoke } = query;
  if (smoke !== undefined && smoke !== "true" && smoke !== "false")
    throw parameterError("smoke", "must be true or false");
  if (batch !== undefined && !UUID.test(batch)) throw parameterError("batch", "must be a UUID");
  for (const [name, text, limit] of [
    ["actor", actor, MAX_ACTOR_LENGTH],
    ["code", code, MAX_CODE_LENGTH],
  ] as const) {
    if (text !== undefined && text.length > limit)
      throw parameterError(name, `must have at most ${limit} characters`);
  }
  return {
    ...(from === undefined ? {} : { from: parseTime("from", from) }),
    ...(to === undefined ? {} : { to: parseTime("to", to) }),
    ...(actor === undefined ? {} : { actor }),
    ...(code === undefined ? {} : { code }),
    ...(batch === undefined ? {} : { batch }),
    smokeTests: smoke === "true",
  };
}

function parseTime(name: string, text: string): string {
  const time = TIME.test(text) && isDay(text.slice(0, 10)) ? new Date(text) : undefined;
  // PostgreSQL has no year 0.
  if (time === undefined || !(time.getUTCFullYear() >= 1))
    throw parameterError(
      name,
      "must be a date or a time with its zone, such as 2026-05-01 or 2026-05-01T08:00:00Z",
    );
  return time.toISOString();
}

/** Whether the day exists: `Date` reads the 30th of February as the 2nd of March. */
function isDay(day: string): boolean {
  const time = new Date(day);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(day);
}

function auditCsv(entries: readonly AuditEntry[], headers: Record<string, string>): Answer {
  const cell = (value: unknown) => (value === undefined || value === null ? "" : String(value));
  const termsOf = (voucher: VoucherRecord | null) => TERMS.map((name) => cell(voucher?.[name]));
  const records = entries.map((entry) => [
    ...COLUMNS.map((name) => cell(entry[name])),
    ...termsOf(entry.before),
    ...termsOf(entry.after),
  ]);
  const names = [
    ...COLUMNS,
    ...TERMS.map((name) => `before_${name}`),
    ...TERMS.map((name) => `after_${name}`),
  ];
  return csvAnswer("voucher-audit.csv", [names, ...records], headers);
}
