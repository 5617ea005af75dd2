/** Wrong use of a command: bad flag, missing variable, unreadable file. The command exits with code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The text of anything thrown, for logs and one-line reports. */
export function errorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map(errorMessage).join("; ");
  }
  return error instanceof Error ? error.message : String(error);
}
