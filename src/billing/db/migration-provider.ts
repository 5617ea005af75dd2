import { CompiledQuery, type Kysely, sql } from "kysely";
import type { MigrationProvider } from "kysely/migration";
import type { Finding } from "./preflight/finding.ts";
import { ADOPTING_MIGRATION } from "./preflight/preflight.ts";
import { MIGRATIONS } from "./schema.ts";
import { claimDatabase } from "./sovereign-identity.ts";

const MAX_SAMPLES = 20;

/**
 * The adopting migration stores `findings` in its own transaction, because it removes the objects that they describe. It
 * also claims the database there. A run that is killed therefore leaves no adopted database that another Sovereign could
 * claim.
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
        MIGRATIONS.map(({ name, sql: text }) => [
          name,
          {
            async up(db) {
              await sql.raw(text).execute(db);
              if (name !== ADOPTING_MIGRATION) return;
              await record(db, findings);
              if (sovereignFqdn === undefined) return;
              await claimDatabase(
                { query: (text, values) => db.executeQuery(CompiledQuery.raw(text, values)) },
                sovereignFqdn,
              );
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
