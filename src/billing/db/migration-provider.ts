import { CompiledQuery, type Kysely, sql } from "kysely";
import type { MigrationProvider } from "kysely/migration";
import { recordCompatibility } from "./compatibility.ts";
import type { Finding } from "./preflight/finding.ts";
import { ADOPTING_MIGRATION } from "./preflight/preflight.ts";
import { MIGRATIONS } from "./schema.ts";
import { claimDatabase, type Queryable } from "./sovereign-identity.ts";

const MAX_SAMPLES = 20;

/**
 * The adopting migration stores `findings` in its own transaction, because it removes the objects that they describe. It
 * also claims the database there. A run that is killed therefore leaves no adopted database that another Sovereign could
 * claim. Each migration records in its transaction which programs work with the schema, so that a database whose later
 * migrations failed still serves the previous program if it can.
 */
export function createMigrationProvider({
  findings,
  sovereignFqdn,
}: {
  findings: readonly Finding[];
  sovereignFqdn: string | undefined;
}): MigrationProvider {
  return {
    getMigrations: async () =>
      Object.fromEntries(
        MIGRATIONS.map(({ name, sql: text }, index) => [
          name,
          {
            async up(db) {
              await sql.raw(text).execute(db);
              const client: Queryable = {
                query: (statement, values) => db.executeQuery(CompiledQuery.raw(statement, values)),
              };
              await recordCompatibility(client, MIGRATIONS.slice(0, index + 1));
              if (name !== ADOPTING_MIGRATION) return;
              await record(db, findings);
              if (sovereignFqdn !== undefined) await claimDatabase(client, sovereignFqdn);
            },
          },
        ]),
      ),
  };
}

async function record(db: Kysely<Record<string, never>>, findings: readonly Finding[]): Promise<void> {
  for (const [rule, found] of Map.groupBy(findings, (finding) => finding.rule)) {
    const samples = found.slice(0, MAX_SAMPLES).map(({ object, message }) => ({ object, message }));
    await sql`INSERT INTO public.adoption_findings (kind, row_count, samples, remedy)
      VALUES (${rule}, ${found.length}, ${JSON.stringify(samples)}, ${found[0]?.remedy ?? ""})`.execute(db);
  }
}
