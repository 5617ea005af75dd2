import type { Queryable } from "../db/database.ts";
import { IS_DRAWN_SQL, LOOKUP_KEY_SQL, UNDASHED_SQL } from "../db/schema.ts";
import { microsOf, type TimePosition, timeOf } from "../db/time-position.ts";
import { undashedOf } from "./code.ts";
import { isAscii, voucherKey } from "./key.ts";
import { resolveKey } from "./resolve.ts";
import { STANDING_SQL, twinOrder, VOUCHER_COLUMNS, type VoucherRow, voucherOf } from "./row.ts";
import type { Voucher, VoucherStanding } from "./voucher.ts";

export interface VoucherFilter {
  active?: boolean;
  /** Without it, all vouchers that are not revoked. */
  standing?: VoucherStanding;
  /** Part of a code or a description, in upper or lower case. */
  text?: string;
}

export interface VoucherPage {
  vouchers: Voucher[];
  /** The position of the next page. Absent on the last page. */
  next?: TimePosition;
}

const POSITION = "coalesce(p.created_at, '-infinity')";
/** The part of a code that fits into an index entry. Where it is equal, the whole code decides. */
const CODE_START = "left(p.code, 256)";
const ORDER = `${POSITION} DESC, ${CODE_START} DESC, p.code DESC`;
/**
 * A page of a search examines this many vouchers, and the next page begins after them. No index serves the search: it would
 * need pg_trgm, which a Sovereign's database may lack, and the schema must be the same everywhere. Without a bound, a
 * search without a match took 1.3 s among 1,000,000 vouchers on a busy machine, and ten times as long among ten times as
 * many. With the bound it takes 0.5 s among any number.
 */
const SEARCH_SPAN = 100_000;

type ListedRow = VoucherRow & { micros: string | null };
/** In a search: whether the filter matches the row, and whether the page ends with it. */
type SoughtRow = ListedRow & { is_match: boolean; is_end: boolean };
/** The name of a condition is a part of its statement's name. */
type Condition = readonly [name: string, sql: string];
type Parameter = (value: unknown) => string;

/**
 * Vouchers, newest first, in the order of the indexes `promo_codes_live_idx` and `promo_codes_revoked_idx`. A search text
 * has no wildcards, because strpos has none. A page of a search may have few vouchers or none although there is a next
 * page. The voucher that a lookup of the text finds is on the first page, whatever its age, unless the page has only one
 * row.
 */
export async function listVouchers(
  database: Queryable,
  limit: number,
  after: TimePosition | undefined,
  filter: VoucherFilter,
  span = SEARCH_SPAN,
): Promise<VoucherPage> {
  const { active, standing, text } = filter;
  if (active === undefined && standing === undefined && text === undefined)
    return listAll(database, limit, after);
  const named = text === undefined || limit === 1 ? undefined : await findNamed(database, text, filter);
  const first = after === undefined ? named : undefined;
  const room = limit - (first === undefined ? 0 : 1);
  const rows = await search(database, room, after, filter, { span, named: named?.code });
  const found = rows.filter(({ is_match }) => is_match);
  const shown = found.slice(0, room);
  const last = found.length > room ? shown.at(-1) : rows.find(({ is_end }) => is_end);
  return pageOf(first === undefined ? shown : inOrder(first, shown), last);
}

async function listAll(
  database: Queryable,
  limit: number,
  after: TimePosition | undefined,
): Promise<VoucherPage> {
  const { values, parameter } = createParameters(limit + 1);
  const conditions = [kindOf(undefined), ...afterOf(after, parameter)];
  const rows = await database.query<ListedRow>({
    name: nameOf("voucher-list", conditions),
    text: `SELECT ${VOUCHER_COLUMNS}, ${MICROS} FROM promo_codes p WHERE ${allOf(conditions)} ORDER BY ${ORDER} LIMIT $1`,
    values,
  });
  const shown = rows.slice(0, limit);
  return pageOf(shown, rows.length > limit ? shown.at(-1) : undefined);
}

/** The vouchers that match the filter, one more than the page holds, and the last voucher that the page examines. */
function search(
  database: Queryable,
  room: number,
  after: TimePosition | undefined,
  filter: VoucherFilter,
  { span, named }: { span: number; named: string | undefined },
): Promise<SoughtRow[]> {
  const { values, parameter } = createParameters(room + 2, span);
  const range = [kindOf(filter.standing), ...afterOf(after, parameter)];
  const conditions: Condition[] = [
    ...filterOf(filter, parameter),
    ...(named === undefined ? [] : [["other", `p.code <> ${parameter(named)}`] as const]),
    ...(filter.text === undefined
      ? []
      : [[isAscii(filter.text) ? "ascii" : "text", textCondition(filter.text, parameter)] as const]),
  ];
  // Rows come in the order of the index. So PostgreSQL stops at the limit or at the end of the span, and reads whole rows
  // only for the vouchers that it returns.
  return database.query<SoughtRow>({
    name: nameOf("voucher-search", [...range, ...conditions]),
    text: `SELECT ${VOUCHER_COLUMNS}, ${MICROS}, s.is_match, s.place = $2 AS is_end
             FROM (SELECT p.code, ${POSITION} AS position, ${CODE_START} AS code_start, ${allOf(conditions)} AS is_match,
                          row_number() OVER (ORDER BY ${ORDER}) AS place
                     FROM promo_codes p WHERE ${allOf(range)}) s
             JOIN promo_codes p ON p.code = s.code
            WHERE s.place <= $2 AND (s.is_match OR s.place = $2)
            ORDER BY s.position DESC, s.code_start DESC, s.code DESC LIMIT $1`,
    values,
  });
}

/** The voucher that a lookup of the text finds, if it matches the rest of the filter. */
async function findNamed(
  database: Queryable,
  text: string,
  filter: VoucherFilter,
): Promise<ListedRow | undefined> {
  const key = await resolveKey(database, text);
  if (key === "") return undefined;
  const { values, parameter } = createParameters(key);
  const conditions = [kindOf(filter.standing), ...filterOf(filter, parameter)];
  const [row] = await database.query<ListedRow>({
    name: nameOf("voucher-named", conditions),
    text: `SELECT ${VOUCHER_COLUMNS}, ${MICROS} FROM promo_codes p
            WHERE ${LOOKUP_KEY_SQL} = $1 AND ${allOf(conditions)} ORDER BY ${twinOrder("$1")} LIMIT 1`,
    values,
  });
  return row;
}

const nameOf = (what: string, conditions: readonly Condition[]) =>
  [what, ...conditions.map(([name]) => name)].join("-");
const allOf = (conditions: readonly Condition[]) => conditions.map(([, sql]) => sql).join(" AND ") || "true";

function createParameters(...values: unknown[]) {
  return { values, parameter: (value: unknown) => `$${values.push(value)}` };
}

const kindOf = (standing: VoucherStanding | undefined): Condition =>
  standing === "revoked" ? ["revoked", "p.deleted_at IS NOT NULL"] : ["kept", "p.deleted_at IS NULL"];

/** The conditions of the filter, without the text and without the revocation. */
function filterOf({ active, standing }: VoucherFilter, parameter: Parameter): Condition[] {
  return [
    ...(standing === undefined || standing === "revoked"
      ? []
      : [["standing", `${STANDING_SQL} = ${parameter(standing)}`] as const]),
    ...(active === undefined
      ? []
      : [["active", `coalesce(p.active, false) = ${parameter(active)}`] as const]),
  ];
}

const MICROS = `${microsOf("p.created_at")} AS micros`;

function afterOf(after: TimePosition | undefined, parameter: Parameter): Condition[] {
  if (after === undefined) return [];
  const [micros, code] = [parameter(after.atMicros), parameter(after.id)];
  const position = `(coalesce(${timeOf(micros)}, '-infinity'), left(${code}, 256), ${code})`;
  return [["after", `(${POSITION}, ${CODE_START}, p.code) < ${position}`]];
}

function pageOf(rows: readonly ListedRow[], last: ListedRow | undefined): VoucherPage {
  return {
    vouchers: rows.map(voucherOf),
    ...(last === undefined ? {} : { next: { atMicros: last.micros, id: last.code } }),
  };
}

/** Inserts a row into rows that are sorted by time, newest first. */
function inOrder(row: ListedRow, sorted: readonly ListedRow[]): ListedRow[] {
  const microsOfRow = ({ micros }: ListedRow) =>
    micros === null ? Number.NEGATIVE_INFINITY : Number(micros);
  const before = sorted.filter((other) => microsOfRow(other) > microsOfRow(row));
  return [...before, row, ...sorted.slice(before.length)];
}

/**
 * Whether the text is in the code, in the description, or in the code as a person types it. Keys are computed for few codes
 * only, because one takes 4 µs: where both text and code are ASCII, the first comparison finds everything that the keys
 * would.
 */
function textCondition(text: string, parameter: Parameter): string {
  const plain = `strpos(lower(p.code || E'\\n' || coalesce(p.description, '')), lower(${parameter(text)})) > 0`;
  const key = voucherKey(text);
  const undashed = undashedOf(key) ?? null;
  const keyParameter = parameter(key);
  const mayDiffer = isAscii(text) ? "octet_length(p.code) <> char_length(p.code)" : "true";
  return `(${plain} OR (${keyParameter} <> '' AND ${mayDiffer} AND strpos(${LOOKUP_KEY_SQL}, ${keyParameter}) > 0)
           OR (${IS_DRAWN_SQL} AND ${UNDASHED_SQL} = ${parameter(undashed)}))`;
}
