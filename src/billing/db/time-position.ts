/** In seconds since 1970: the last date that JavaScript and PostgreSQL both accept. */
export const LAST_SECOND = Date.UTC(9999, 11, 31) / 1000;

/** The last row of a page of a list that is sorted by time. */
export interface TimePosition {
  /** Whole microseconds since 1970, as text, because a number would round PostgreSQL's precision. Null: the time is not known. */
  atMicros: string | null;
  id: string;
}

/** SQL for a time as a position stores it. */
export const microsOf = (time: string) =>
  `CASE WHEN isfinite(${time}) THEN (extract(epoch FROM ${time}) * 1000000)::bigint::text END`;

/** SQL for the same time, exact to the microsecond: the whole seconds and the rest are converted separately. */
export const timeOf = (micros: string) =>
  `(to_timestamp((${micros}::bigint / 1000000)::float8) + (${micros}::bigint % 1000000) * interval '1 microsecond')`;

/** The name of the condition in `AFTER_ORDER_SQL` for a position. */
export const afterOrderKind = (after: TimePosition | undefined) =>
  after === undefined ? "start" : after.atMicros === null ? "unknown" : "known";

/** A page of orders, given the rows of a query for one row more. `next` is absent on the last page. */
export function orderPageOf<Row extends { id: string; micros: string | null }>(
  rows: readonly Row[],
  limit: number,
): { shown: Row[]; next?: TimePosition } {
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return last === undefined ? { shown } : { shown, next: { atMicros: last.micros, id: last.id } };
}

/**
 * SQL for the orders after a position, given the parameters of its id and its time. Follows the indexes of orders by time, which
 * have orders without a date first.
 */
export const AFTER_ORDER_SQL = {
  start: () => "true",
  unknown: (id: string) => `(o.created_at IS NOT NULL OR o.id < ${id}::uuid)`,
  known: (id: string, micros: string) => `(o.created_at, o.id) < (${timeOf(micros)}, ${id}::uuid)`,
} as const;
