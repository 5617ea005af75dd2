import { type Kysely, sql } from "kysely";
import type { MigrationProvider } from "kysely/migration";
import type { Finding } from "./preflight/finding.ts";
import { ADOPTING_MIGRATION } from "./preflight/preflight.ts";
import { MIGRATIONS } from "./schema.ts";

/**
 * An index that 0004 builds and 0014 replaces, left out on the way from one to the other: on the longest codes that the earlier
 * service could hold it cannot be built. The schema is the same once the last migration is done.
 */
const REPLACED_INDEX = { migration: "0004-index", statement: /^CREATE INDEX promo_codes_live_idx .*;\n/m };
const MAX_SAMPLES = 20;

/** `findings` are written down by the migration that makes what they tell of no longer be seen. */
export function createMigrationProvider(findings: readonly Finding[]): MigrationProvider {
  return {
    getMigrations: async () =>
      Object.fromEntries(
        MIGRATIONS.map(({ name, sql: text }) => [
          name,
          {
            async up(db) {
              await sql.raw(textOf(name, text)).execute(db);
              if (name === ADOPTING_MIGRATION) await record(db, findings);
            },
          },
        ]),
      ),
  };
}

function textOf(name: string, text: string): string {
  return name === REPLACED_INDEX.migration ? text.replace(REPLACED_INDEX.statement, "") : text;
}

async function record(db: Kysely<Record<string, never>>, findings: readonly Finding[]): Promise<void> {
  for (const [rule, found] of Map.groupBy(findings, (finding) => finding.rule)) {
    const samples = found.slice(0, MAX_SAMPLES).map(({ object, message }) => ({ object, message }));
    await sql`INSERT INTO public.adoption_findings (kind, row_count, samples, remedy)
      VALUES (${rule}, ${found.length}, ${JSON.stringify(samples)}, ${found[0]?.remedy ?? ""})`.execute(db);
  }
}
