import type { ProfileLine } from "../profile.ts";
import { runSql } from "./database.ts";

/** Settings of a server that counts the cost of each statement. */
export const STATEMENT_PROFILE_SETTINGS = { shared_preload_libraries: "pg_stat_statements" };

/** `all` also counts statements inside functions. The setting applies at once, also to existing sessions. */
export async function trackStatements(databaseUrl: string, track: "none" | "all"): Promise<void> {
  await runSql(
    databaseUrl,
    `ALTER SYSTEM SET pg_stat_statements.track = '${track}'`,
    `ALTER SYSTEM SET pg_stat_statements.track_planning = ${track === "all" ? "on" : "off"}`,
    "SELECT pg_reload_conf()",
  );
}

/** Profiles the statements inside the functions that requests call during `run`. The most expensive come first. */
export async function profileStatements(
  databaseUrl: string,
  run: () => Promise<void>,
): Promise<(ProfileLine & { calls: number; meanMs: number })[]> {
  await runSql(databaseUrl, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
  await trackStatements(databaseUrl, "all");
  await runSql(databaseUrl, "SELECT pg_stat_statements_reset()");
  try {
    await run();
    const { rows } = await runSql(
      databaseUrl,
      `SELECT regexp_replace(query, '\\s+', ' ', 'g') AS query, calls::int, total_exec_time + total_plan_time AS total_ms
         FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
        WHERE d.datname = current_database() AND NOT toplevel AND calls > 0 ORDER BY total_ms DESC`,
    );
    const totalMs = rows.reduce((sum, { total_ms }) => sum + total_ms, 0);
    return rows.slice(0, 25).map(({ query, calls, total_ms }) => ({
      name: query.slice(0, 100),
      share: total_ms / totalMs,
      calls,
      meanMs: total_ms / calls,
    }));
  } finally {
    await trackStatements(databaseUrl, "none");
    await runSql(databaseUrl, "DROP EXTENSION IF EXISTS pg_stat_statements");
  }
}
