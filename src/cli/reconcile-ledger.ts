import { parseArgs } from "node:util";
import pg from "pg";
import { describeMismatch } from "../billing/db/migrate.ts";
import { SCHEMA_VERSION } from "../billing/db/schema.ts";
import { readSchemaState } from "../billing/db/schema-state.ts";
import { reconcileLedger } from "../billing/ledger/reconcile-ledger.ts";
import { createEnvReader } from "../platform/env.ts";
import { errorMessage, UsageError } from "../platform/errors.ts";
import { type Command, EXIT } from "./command.ts";

const HELP = `Usage: catalyst reconcile-ledger [--accept-adopted]

Compares each voucher's counter with its redemptions, each redemption with its ledger entry, each order with its
payments, its subscription and its event, and each balance with the sum of its ledger entries. Replays the audit
against itself and against the vouchers. Prints a JSON line for each difference, with the rows, and a last line with
the number of differences.

  --accept-adopted   print differences that the earlier service caused, but do not fail because of them

Environment:
  DATABASE_URL       postgres://… (or DATABASE_URL_FILE)

Exit codes: 0 no differences, 1 differences, or the database cannot be read, 2 wrong usage.
`;

export const command: Command = {
  summary: "compare counters, redemptions, orders, ledger, balances and audit",
  help: HELP,
  async run({ args, env, stdout }) {
    const acceptAdopted = parseFlags(args);
    const connectionString = createEnvReader(env).databaseUrl();
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 });
    client.on("error", () => {});
    await client.connect();
    try {
      const { version } = await readSchemaState(client);
      if (version !== SCHEMA_VERSION) throw new Error(describeMismatch(version));
      const differences = await reconcileLedger(client);
      for (const difference of differences) stdout.write(`${JSON.stringify(difference)}\n`);
      const failing = differences.filter(({ adopted }) => !(adopted && acceptAdopted));
      stdout.write(`${JSON.stringify({ agree: failing.length === 0, differences: differences.length })}\n`);
      return failing.length === 0 ? EXIT.done : EXIT.checkFailed;
    } finally {
      await client.end().catch(() => undefined);
    }
  },
};

function parseFlags(args: string[]): boolean {
  try {
    const { values } = parseArgs({
      args,
      options: { "accept-adopted": { type: "boolean", default: false } },
    });
    return values["accept-adopted"];
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}
