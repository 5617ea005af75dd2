import type { ServerState } from "./catalog.ts";
import { type Finding, quoted } from "./finding.ts";
import { notOwner } from "./owner.ts";

/** Checks the requirements for reading the catalog. Works for a role that has no rights at all. */
export function judgeServer(server: ServerState): Finding[] {
  const role = quoted(server.role);
  if (server.schema === "missing") {
    return [
      {
        rule: "schema-closed",
        object: "schema public",
        message: "does not exist",
        remedy: `CREATE SCHEMA public AUTHORIZATION ${role};`,
      },
    ];
  }
  if (server.schema === "closed") return [closedSchema(role, "USAGE, CREATE", "use")];
  const foreign = server.foreign.map((table) => foreignRecord(table));
  if (foreign.length > 0) return foreign;
  return server.unreadable.map((table) => notOwner(`table public.${quoted(table)}`, "another role", role));
}

/** Checks the requirements of the migrations' statements. */
export function judgeWriting(server: ServerState): Finding[] {
  const role = quoted(server.role);
  return [
    ...(server.isReadOnly
      ? [
          {
            rule: "server-read-only" as const,
            object: "the server",
            message: "accepts no writes: it is a standby, or default_transaction_read_only is on",
            remedy: "Use the primary in DATABASE_URL, or turn the setting off.",
          },
        ]
      : []),
    ...server.missingLanguages.map(
      (language): Finding => ({
        rule: "language-closed",
        object: `language ${language}`,
        message: `does not exist, or the role ${role} may not use it, and our functions are written in it`,
        remedy: `GRANT USAGE ON LANGUAGE ${language} TO ${role}; or CREATE EXTENSION, if it does not exist.`,
      }),
    ),
    ...(server.schema === "readable" ? [closedSchema(role, "CREATE", "create in")] : []),
  ];
}

/**
 * Reports a table in which Kysely records another program's migrations. Every program that uses Kysely for migrations has
 * the same table names.
 */
export function foreignRecord(table: string): Finding {
  return {
    rule: "name-taken",
    object: `relation public.${quoted(table)}`,
    message: "belongs to another program, and this program needs the name for its record of migrations",
    remedy: "Move that program, or its record of migrations, to another schema.",
  };
}

function closedSchema(role: string, right: string, verb: string): Finding {
  return {
    rule: "schema-closed",
    object: "schema public",
    message: `cannot be used: the role ${role} may not ${verb} it`,
    remedy: `GRANT ${right} ON SCHEMA public TO ${role};`,
  };
}
