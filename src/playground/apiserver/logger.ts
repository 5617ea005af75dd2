/** Receives the server's log. A pino logger has this shape. */
export interface Logger {
  /** For faults after which the server tries again. */
  warn(context: object, message: string): void;
  /** For requests that failed because of a fault of the server. */
  error(context: object, message: string): void;
}

/** Writes to stderr. */
export const consoleLogger: Logger = {
  warn: (context, message) => console.warn(message, context),
  error: (context, message) => console.error(message, context),
};
