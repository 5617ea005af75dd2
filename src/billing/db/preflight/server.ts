import type { ServerState } from "./catalog.ts";
import { type Finding, quoted } from "./finding.ts";
import { notOwner } from "./owner.ts";

/** What must hold before the catalog can be read: it names names, so it may be asked by whoever may do nothing else. */
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
  if (server.schema === "closed") return [closedSchema(role, "USAGE, CREATE", "look into")];
  const foreign = server.foreign.map((table) => foreignRecord(table));
  if (foreign.length > 0) return foreign;
  return server.unreadable.map((table) => notOwner(`table public.${quoted(table)}`, "somebody else", role));
}

/** What must hold before anything can be written. */
export function judgeWriting(server: ServerState): Finding[] {
  const role = quoted(server.role);
  return [
    ...(server.isReadOnly
      ? [
          {
            rule: "server-read-only" as const,
            object: "the server",
            message: "takes no writes: it is a standby, or default_transaction_read_only is on",
            remedy: "Name the primary in DATABASE_URL, or turn the setting off.",
          },
        ]
      : []),
    ...server.missingLanguages.map(
      (language): Finding => ({
        rule: "language-closed",
        object: `language ${language}`,
        message: `is not there, or one that the role ${role} may not use, and our functions are written in it`,
        remedy: `GRANT USAGE ON LANGUAGE ${language} TO ${role}; or CREATE EXTENSION, where it is missing.`,
      }),
    ),
    ...(server.schema === "readable" ? [closedSchema(role, "CREATE", "create in")] : []),
  ];
}

/** Kysely's tables have the same names in every program that migrates by it. */
export function foreignRecord(table: string): Finding {
  return {
    rule: "name-taken",
    object: `relation public.${quoted(table)}`,
    message: "is another program's, and ours records its migrations under that name",
    remedy: "Move that program, or its record of migrations, to another schema.",
  };
}

function closedSchema(role: string, right: string, verb: string): Finding {
  return {
    rule: "schema-closed",
    object: "schema public",
    message: `is one that the role ${role} may not ${verb}`,
    remedy: `GRANT ${right} ON SCHEMA public TO ${role};`,
  };
}
