import { renameSync, writeFileSync } from "node:fs";
import { sleep } from "../../platform/shutdown.ts";
import type { StateDirectory } from "../process/state-directory.ts";
import type { StorySovereign } from "./context.ts";
import { type Person, signIn } from "./person.ts";

/** Tokens live 15 minutes. With a new file every 5 minutes, a token that is read from it is valid for at least 10. */
const REFRESH_MS = 5 * 60_000;

const ADMIN: Person = { id: "playground-admin", email: "admin@playground.example", role: "superadmin" };
const CUSTOMER: Person = {
  id: "playground-customer",
  email: "customer@playground.example",
  role: "customer",
};

/** Writes `sovereigns.json`: the URLs of the Sovereigns and tokens for them. Returns its path. */
export async function writeSovereignFile(
  state: StateDirectory,
  sovereigns: readonly StorySovereign[],
): Promise<string> {
  const rows = await Promise.all(
    sovereigns.map(async ({ name, fqdn, url, databaseUrl, servingDatabaseUrl, jwtSecret }) => ({
      name,
      fqdn,
      url,
      databaseUrl,
      servingDatabaseUrl,
      adminToken: await signIn(ADMIN, jwtSecret),
      customerToken: await signIn(CUSTOMER, jwtSecret),
    })),
  );
  const path = state.file("sovereigns.json");
  const partial = state.file("sovereigns.json.partial");
  writeFileSync(partial, `${JSON.stringify(rows, null, 2)}\n`, { mode: 0o600 });
  renameSync(partial, path);
  return path;
}

/** Writes the file again and again with new tokens, until the signal fires. */
export async function keepTokensFresh(
  state: StateDirectory,
  sovereigns: readonly StorySovereign[],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(REFRESH_MS, signal);
    if (!signal.aborted) await writeSovereignFile(state, sovereigns);
  }
}
