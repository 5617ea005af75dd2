import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { EXIT } from "../command.ts";

/**
 * `catalyst reconcile-ledger` on a database; its last line. Throws when the books disagree. The command runs in this
 * process: one of its own would be 85 MiB more just when all others are at work.
 */
export async function reconcileLedger(databaseUrl: string, signal: AbortSignal): Promise<string> {
  const { command } = await import("../reconcile-ledger.ts");
  const stdout = new PassThrough();
  const said = text(stdout);
  const code = await command.run({
    args: [],
    env: { DATABASE_URL: databaseUrl },
    signal,
    stdout,
    stderr: process.stderr,
  });
  stdout.end();
  const lines = (await said).trim();
  if (code !== EXIT.done) throw new Error(`catalyst reconcile-ledger → ${lines}`);
  return `catalyst reconcile-ledger → ${lines.split("\n").at(-1)}`;
}
