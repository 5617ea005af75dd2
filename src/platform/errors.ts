/** Wrong use of a command: bad flag, missing variable, unreadable file. The command exits with code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * The text of anything thrown, for logs and one-line reports. The message of `fetch` is only "fetch failed", so its cause
 * is added, which names the host and the fault.
 */
export function errorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map(errorMessage).join("; ");
  }
  if (error instanceof TypeError && error.message === "fetch failed" && error.cause !== undefined) {
    return `fetch failed: ${errorMessage(error.cause)}`;
  }
  return error instanceof Error ? error.message : String(error);
}
