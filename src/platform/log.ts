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

// What a secret looks like wherever it stands, in the text of an error above all: a token, the password in a URL, a
// payment processor's key.
const SECRET_TEXT =
  /\beyJ[\w-]{8,}\.[\w-]*\.[\w-]*|(?<=:\/\/[^\s/"@:]*:)[^\s/"@]+(?=@)|\b(?:[rs]k_(?:live|test)|whsec)_\w+/g;

/** The text without what looks like a secret. */
export function redactSecrets(text: string): string {
  return text.replace(SECRET_TEXT, "[redacted]");
}

/** JSON lines on stderr: results go to stdout. `level` as pino names it. */
export function createLogger(name: string, level = "info"): Logger {
  return pino(
    {
      name,
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redactSecrets },
      redact: { paths: SECRET_MEMBERS.flatMap((member) => [member, `*.${member}`]), censor: "[redacted]" },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
