/** Receives what the server has to report. A pino logger fits as it is. */
export interface Logger {
  /** The server will try again. */
  warn(context: object, message: string): void;
  /** A request failed with an error that is a fault of the server. */
  error(context: object, message: string): void;
}

/** Writes to stderr. */
export const consoleLogger: Logger = {
  warn: (context, message) => console.warn(message, context),
  error: (context, message) => console.error(message, context),
};
