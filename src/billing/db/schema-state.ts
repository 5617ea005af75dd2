import type { ClientBase } from "pg";
import { describeDrift } from "./drift.ts";
import { fingerprintOf, readSchema } from "./fingerprint.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { readSchemaFile } from "./schema-file.ts";

export interface SchemaState {
  /** Name of the last migration that ran. Undefined if none did. */
  version: string | undefined;
  /** `sha256:…` over the catalog's description of our schema. */
  fingerprint: string;
  /**
   * One line for each object that differs from schema.sql. Empty at another version, because this program has only its own
   * schema.sql.
   */
  drift: string[];
}

/** Reads the state of the schema. Calls `discard` if the connection can no longer be used. */
export async function readSchemaState(client: ClientBase, discard = () => {}): Promise<SchemaState> {
  const { version, objects } = await readSchema(client, discard);
  const drift = version === SCHEMA_VERSION ? describeDrift(await readSchemaFile(), objects) : [];
  return { version, fingerprint: fingerprintOf(objects), drift };
}
