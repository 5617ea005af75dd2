import { writeFileSync } from "node:fs";
import { migrateDatabase } from "../billing/db/migrate.ts";
import { createEnvReader } from "../platform/env.ts";
import { errorMessage, UsageError } from "../platform/errors.ts";
import { createLogger } from "../platform/log.ts";
import { type Command, EXIT } from "./command.ts";

const MAX_ERROR_BYTES = 3_500;

const HELP = `Usage: catalyst migrate

Brings the billing database to this program's schema version: an empty database, or the earlier service's.
Prints {"version","fingerprint"} as one JSON line. Findings of an adoption go to stderr, and stay in the
table adoption_findings. What is in the way of a migration is refused before anything is changed, all of it at once,
each with what helps (docs/adoption.md). A schema that somebody changed later is named on stderr, object by object.
Runs side by side queue; a database that is there already is left as it is.

Environment:
  DATABASE_URL      postgres://… (or DATABASE_URL_FILE)
  TERMINATION_LOG   a file that gets the same line, or the error; Kubernetes reports it with the Pod
  LOG_LEVEL         trace, debug, info (default), warn, error

Exit codes: 0 at this version (also when it was before), 1 failed, 2 wrong usage.
`;

export const command: Command = {
  summary: "bring the billing database to this version",
  help: HELP,
  async run({ args, env, signal, stdout }) {
    if (args.length > 0) throw new UsageError(`migrate takes no arguments: ${args[0]}`);
    const reader = createEnvReader(env);
    const databaseUrl = reader.databaseUrl();
    const terminationLog = env.TERMINATION_LOG || undefined;
    const logger = createLogger("migrate", env.LOG_LEVEL || "info");
    try {
      const { version, fingerprint, executed, findings, drift } = await migrateDatabase({
        databaseUrl,
        logger,
        signal,
      });
      if (executed.includes("0003-adoption")) {
        for (const finding of findings)
          logger.warn({ finding }, `adoption found ${finding.kind}: table adoption_findings has the rows`);
      }
      for (const object of drift) logger.warn({ object }, "the schema is not as this program made it");
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

/** Kubernetes cuts off what goes beyond 4096 bytes, and half a JSON document says nothing. */
function terminationMessage(error: string): string {
  const bytes = Buffer.from(error);
  const isLong = bytes.length > MAX_ERROR_BYTES;
  const shown = isLong ? `${bytes.toString("utf8", 0, MAX_ERROR_BYTES)}… (the log has all of it)` : error;
  return `${JSON.stringify({ error: shown })}\n`;
}
