import type { Logger } from "../platform/log.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import type { Database } from "./db/database.ts";
import { readSchemaVersion } from "./db/fingerprint.ts";
import { describeMismatch } from "./db/migrate.ts";
import { SCHEMA_VERSION } from "./db/schema.ts";
import { readSchemaState, type SchemaState } from "./db/schema-state.ts";
import { DatabaseUnavailableError } from "./errors.ts";

/** The database has another schema version than this program knows: it must not be served from. */
export class SchemaMismatchError extends Error {
  override readonly name = "SchemaMismatchError";
}

/** Asked this often at most: probes and scrapes must not weigh on the database. */
const FRESH_MS = 2_000;
/** The fingerprint costs 45 ms of the database: it is measured this often, and whenever the version is another. */
const FINGERPRINT_FRESH_MS = 30_000;

/** Of what differs, as many objects are shown to a probe; the log has all of them. */
const MAX_SHOWN = 20;

export type ReadinessState =
  | { kind: "ready"; schema: { version: string; fingerprint: string; drift?: string[] } }
  | { kind: "unavailable"; reason: string }
  | { kind: "mismatch"; reason: string }
  | { kind: "draining" };

/**
 * Measures the schema behind the service. Once it has matched, a newer version that appears under a running service is
 * reported and served on from (its migrations decide whether that is compatible); only a start refuses it.
 */
export function createReadiness(deps: { database: Database; now: () => Date; logger: Logger }) {
  const { database, now, logger } = deps;
  let measured: { state: ReadinessState; atMs: number } | undefined;
  let known: { schema: SchemaState; atMs: number } | undefined;
  let hasMatched = false;
  let isDraining = false;

  async function readSchema(): Promise<SchemaState> {
    if (known !== undefined && now().getTime() - known.atMs < FINGERPRINT_FRESH_MS) {
      const version = await database.withClient(readSchemaVersion);
      if (version === known.schema.version) return known.schema;
    }
    const schema = await database.withClient(readSchemaState);
    if (schema.drift.length > 0 && schema.fingerprint !== known?.schema.fingerprint)
      logger.warn(
        { drift: schema.drift },
        "the schema is not as this program made it: docs/adoption.md says what to do",
      );
    known = { schema, atMs: now().getTime() };
    return schema;
  }

  async function measure(): Promise<ReadinessState> {
    let schema: SchemaState;
    try {
      schema = await readSchema();
    } catch (error) {
      logger.warn(
        { reason: error instanceof Error ? error.message : String(error) },
        "the database does not answer",
      );
      return { kind: "unavailable", reason: new DatabaseUnavailableError(error).message };
    }
    if (schema.version === SCHEMA_VERSION) hasMatched = true;
    if (schema.version === undefined || !hasMatched)
      return { kind: "mismatch", reason: describeMismatch(schema.version) };
    const { version, fingerprint, drift } = schema;
    const shown = drift.length === 0 ? {} : { drift: drift.slice(0, MAX_SHOWN) };
    return { kind: "ready", schema: { version, fingerprint, ...shown } };
  }

  const measureUnlessFresh = createSingleFlight(async (): Promise<ReadinessState> => {
    if (measured !== undefined && now().getTime() - measured.atMs < FRESH_MS) return measured.state;
    const state = await measure();
    // A state other than ready is not kept: the next probe measures again.
    measured = state.kind === "ready" ? { state, atMs: now().getTime() } : undefined;
    return state;
  });

  return {
    /** The state as it was at most 2 s ago, its fingerprint at most 30 s ago. */
    async current(): Promise<ReadinessState> {
      return isDraining ? { kind: "draining" } : measureUnlessFresh();
    },
    drain(): void {
      isDraining = true;
    },
  };
}
