import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { isRecent } from "../platform/recent.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { isCompatible } from "./db/compatibility.ts";
import type { Database } from "./db/database.ts";
import { readSchemaVersion } from "./db/fingerprint.ts";
import { describeMismatch } from "./db/migrate.ts";
import { SCHEMA_VERSION } from "./db/schema.ts";
import { readSchemaState, type SchemaState } from "./db/schema-state.ts";
import {
  describeForeignOwner,
  ForeignDatabaseError,
  readSovereignIdentity,
} from "./db/sovereign-identity.ts";
import { DatabaseUnavailableError } from "./errors.ts";

/** The database has another schema version than this program requires, or is another Sovereign's: the service must not use it. */
export class DatabaseMismatchError extends Error {
  override readonly name = "DatabaseMismatchError";
}

/** The database is queried at most this often, so that probes and scrapes do not load it. */
const FRESH_MS = 2_000;
/** The fingerprint takes the database 45 ms, so it is measured this often, and whenever the version changes. */
const FINGERPRINT_FRESH_MS = 30_000;

/** A probe shows at most this many differing objects. The log has all of them. */
const MAX_SHOWN = 20;

interface MeasuredDatabase extends SchemaState {
  /** The FQDN of the Sovereign that the database belongs to. */
  owner: string | undefined;
  /** Whether this program works with the schema. */
  isUsable: boolean;
}

export type ReadinessState =
  | { kind: "ready"; schema: { version: string; fingerprint: string; drift?: string[] } }
  | { kind: "unavailable"; reason: string }
  | { kind: "mismatch"; reason: string }
  | { kind: "draining" };

/**
 * Compares the database's schema with this program's. When the service starts, it refuses another version, unless the
 * database records that this program works with it. Once a version has been accepted, a newer one is only reported and the
 * service continues, because migrations must be compatible with a running service. An older one, which a restored backup has,
 * and a database of another Sovereign are refused at any time.
 */
export function createReadiness(deps: {
  database: Database;
  sovereignFqdn: string;
  now: () => Date;
  logger: Logger;
}) {
  const { database, sovereignFqdn, now, logger } = deps;
  let measured: { state: ReadinessState; atMs: number } | undefined;
  let known: { schema: MeasuredDatabase; atMs: number } | undefined;
  let hasMatched = false;
  let isDraining = false;

  async function readSchema(): Promise<MeasuredDatabase> {
    if (known !== undefined && isRecent(known.atMs, now().getTime(), FINGERPRINT_FRESH_MS)) {
      const present = await database.withClient(async (client) => ({
        version: await readSchemaVersion(client),
        owner: await readSovereignIdentity(client),
      }));
      if (present.version === known.schema.version) return { ...known.schema, ...present };
    }
    const schema = await database.withClient(async (client, discard) => {
      const state = await readSchemaState(client, discard);
      const isUsable = await isCompatible(client, state.version);
      return {
        ...state,
        isUsable,
        owner: await readSovereignIdentity(client),
      };
    });
    if (schema.drift.length > 0 && schema.fingerprint !== known?.schema.fingerprint)
      logger.warn(
        { drift: schema.drift },
        "the schema differs from the one that this program creates: see docs/adoption.md",
      );
    known = { schema, atMs: now().getTime() };
    return schema;
  }

  async function measure(): Promise<ReadinessState> {
    let schema: MeasuredDatabase;
    try {
      schema = await readSchema();
    } catch (error) {
      if (error instanceof Error && error.cause instanceof ForeignDatabaseError)
        return { kind: "mismatch", reason: error.cause.message };
      logger.warn({ reason: errorMessage(error) }, "the database does not answer");
      return { kind: "unavailable", reason: new DatabaseUnavailableError(error).message };
    }
    const foreign = describeForeignOwner(schema.owner, sovereignFqdn);
    if (foreign !== undefined) return { kind: "mismatch", reason: foreign };
    if (schema.isUsable) hasMatched = true;
    if (schema.version === undefined || !hasMatched || schema.version < SCHEMA_VERSION)
      return { kind: "mismatch", reason: describeMismatch(schema.version) };
    const { version, fingerprint, drift } = schema;
    const shown = drift.length === 0 ? {} : { drift: drift.slice(0, MAX_SHOWN) };
    return { kind: "ready", schema: { version, fingerprint, ...shown } };
  }

  const measureUnlessFresh = createSingleFlight(async (): Promise<ReadinessState> => {
    if (measured !== undefined && isRecent(measured.atMs, now().getTime(), FRESH_MS)) return measured.state;
    const state = await measure();
    // A state other than ready is not cached, so the next probe reads again.
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
