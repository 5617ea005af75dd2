import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { EXIT } from "../command.ts";

/**
 * Runs `catalyst reconcile-ledger` on a database and returns its last line. Throws when the ledger is wrong. The
 * command runs in this process, because another process would use 85 MiB more.
 */
export async function reconcileLedger(databaseUrl: string, signal: AbortSignal): Promise<string> {
  const { command } = await import("../reconcile-ledger.ts");
  const stdout = new PassThrough();
  const output = text(stdout);
  const code = await command.run({
    args: [],
    env: { DATABASE_URL: databaseUrl },
    signal,
    stdout,
    stderr: process.stderr,
  });
  stdout.end();
  const lines = (await output).trim();
  if (code !== EXIT.done) throw new Error(`catalyst reconcile-ledger → ${lines}`);
  return `catalyst reconcile-ledger → ${lines.split("\n").at(-1)}`;
}
