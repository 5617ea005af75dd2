import { writeFileSync } from "node:fs";
import { migrateDatabase } from "../billing/db/migrate.ts";
import { ADOPTING_MIGRATION } from "../billing/db/preflight/preflight.ts";
import { createEnvReader } from "../platform/env.ts";
import { errorMessage, UsageError } from "../platform/errors.ts";
import { createLogger, LOG_LEVELS } from "../platform/log.ts";
import { type Command, EXIT } from "./command.ts";

const MAX_ERROR_BYTES = 3_500;

export const command: Command = {
  summary: "bring the billing database to this version",
  description: [
    'Brings the billing database to this program\'s schema version. The database may be empty, the earlier service\'s, or at an older version. Prints {"version","fingerprint"} as one JSON line. If the migration cannot succeed, changes nothing and lists all reasons with their remedies (docs/adoption.md). Adoption writes what it found to stderr and to the table adoption_findings. If the schema was changed by hand, names each object that differs on stderr. Concurrent runs wait for each other. A database that is at the version already is not changed.',
  ],
  flags: [],
  environment: [
    ["DATABASE_URL", "the database: postgres://… (or DATABASE_URL_FILE); its role owns the tables"],
    [
      "SERVING_DATABASE_URL",
      "the URL with which catalyst billing serves, when that is another role (or SERVING_DATABASE_URL_FILE): the role gets the rights to serve, and cannot alter or empty the books. Without it, one role does both",
    ],
    [
      "SOVEREIGN_FQDN",
      "the Sovereign that the database is for. The first one is written into the database; later runs for another Sovereign are refused. Absent: the database keeps its Sovereign, and none is checked",
    ],
    [
      "TERMINATION_LOG",
      "a file for the same line, or for the error; Kubernetes shows it in the status of the Pod",
    ],
    ["LOG_LEVEL", "trace, debug, info (default), warn, error"],
  ],
  exitCodes: "0 the database is at this version, 1 failed, 2 wrong usage",
  endsItself: true,
  async run({ args, env, signal, stdout }) {
    if (args.length > 0) throw new UsageError(`migrate takes no arguments: ${args[0]}`);
    const reader = createEnvReader(env);
    const databaseUrl = reader.databaseUrl();
    const servingUrl =
      reader.optional("SERVING_DATABASE_URL") === undefined
        ? undefined
        : reader.databaseUrl("SERVING_DATABASE_URL");
    const terminationLog = env.TERMINATION_LOG || undefined;
    const logger = createLogger("migrate", reader.oneOf("LOG_LEVEL", LOG_LEVELS, "info"));
    try {
      const { version, fingerprint, executed, findings, drift, roles } = await migrateDatabase({
        databaseUrl,
        servingUrl,
        sovereignFqdn: reader.optional("SOVEREIGN_FQDN"),
        logger,
        signal,
      });
      if (executed.includes(ADOPTING_MIGRATION)) {
        for (const finding of findings)
          logger.warn({ finding }, `adoption found ${finding.kind}: see table adoption_findings`);
      }
      for (const object of drift) logger.warn({ object }, "the schema is not as this program made it");
      for (const { role, message } of roles) logger.warn({ role }, message);
      const line = `${JSON.stringify({ version, fingerprint })}\n`;
      if (terminationLog !== undefined) writeFileSync(terminationLog, line);
      stdout.write(line);
      return EXIT.done;
    } catch (error) {
      if (terminationLog !== undefined)
        writeFileSync(terminationLog, terminationMessage(errorMessage(error)));
      throw error;
    }
  },
};

/** Kubernetes cuts the message after 4096 bytes, and a cut JSON document cannot be parsed. */
function terminationMessage(error: string): string {
  const bytes = Buffer.from(error);
  const isLong = bytes.length > MAX_ERROR_BYTES;
  const shown = isLong ? `${bytes.toString("utf8", 0, MAX_ERROR_BYTES)}… (the log has all of it)` : error;
  return `${JSON.stringify({ error: shown })}\n`;
}
