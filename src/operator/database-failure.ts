/** Why PostgreSQL or the network refuses a login, by SQLSTATE or by the system's error code. */
const REASONS: Readonly<Record<string, string>> = {
  "28P01": "the database refuses the user or the password",
  "28000": "the database refuses the user or the password",
  "3D000": "the server has no database of this name",
  "53300": "the server has no free connection",
  "57P03": "the server is starting or shutting down",
  ECONNREFUSED: "nothing listens at this host and port",
  ENOTFOUND: "the host name cannot be resolved",
  EAI_AGAIN: "the host name cannot be resolved",
  ECONNRESET: "the server closed the connection",
  ETIMEDOUT: "the server does not answer",
};

/** The reason for a failed login, without the URL and its password. */
export function describeDatabaseFailure(error: unknown): string {
  const { code = "timeout" } = error as { code?: string };
  return REASONS[code] ?? `the server does not answer (${code})`;
}
