/** Since 1970: what JavaScript and PostgreSQL both take for a date goes so far. */
export const LAST_SECOND = Date.UTC(9999, 11, 31) / 1000;

/** Where a page of a list by time ended: at its last row. */
export interface TimePosition {
  /** Microseconds since 1970, whole and as text: PostgreSQL's own precision, which a number would round. Null: not known. */
  atMicros: string | null;
  id: string;
}

/** A time as a position has it. */
export const microsOf = (time: string) =>
  `CASE WHEN isfinite(${time}) THEN (extract(epoch FROM ${time}) * 1000000)::bigint::text END`;

/** The same time again, to the microsecond: whole seconds and the rest, each exact. */
export const timeOf = (micros: string) =>
  `(to_timestamp((${micros}::bigint / 1000000)::float8) + (${micros}::bigint % 1000000) * interval '1 microsecond')`;
