import { type Logger, pino } from "pino";

export type { Logger };

// Names under which a secret could reach a log line by mistake; pino replaces their values.
const SECRET_MEMBERS = [
  "authorization",
  "password",
  "secret",
  "token",
  "databaseUrl",
  "connectionString",
  "cookie",
];

/** JSON lines on stderr: results go to stdout. `level` as pino names it. */
export function createLogger(name: string, level = "info"): Logger {
  return pino(
    {
      name,
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_MEMBERS.flatMap((member) => [member, `*.${member}`]), censor: "[redacted]" },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
