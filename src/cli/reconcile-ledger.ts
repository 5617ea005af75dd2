import { parseArgs } from "node:util";
import pg from "pg";
import { describeMismatch } from "../billing/db/migrate.ts";
import { SCHEMA_VERSION } from "../billing/db/schema.ts";
import { readSchemaState } from "../billing/db/schema-state.ts";
import { findUnprotectedBooks } from "../billing/db/serving-role.ts";
import { type AuditHead, findLostHead, readAuditHead } from "../billing/ledger/audit-check.ts";
import { reconcileLedger } from "../billing/ledger/reconcile-ledger.ts";
import { createEnvReader } from "../platform/env.ts";
import { errorMessage, UsageError } from "../platform/errors.ts";
import { type Command, EXIT } from "./command.ts";

const HELP = `Usage: catalyst reconcile-ledger [--accept-adopted] [--audit-head ID:DIGEST]

Compares each voucher's counter with its redemptions, each redemption with its ledger entry, each order with its
payments, its subscription and its event, and each balance with the sum of its ledger entries. Replays the audit
against itself and against the vouchers. Prints a JSON line for each difference, with the rows, and a last line with
the number of differences and the last audit row. A role that serves and could also alter the books is a line of its own, and no difference.

  --accept-adopted   print differences that the earlier service caused, but do not fail because of them
  --audit-head ID:DIGEST
                     the last audit row of an earlier run: it must still be there, or rows were removed or rewritten

Environment:
  DATABASE_URL       postgres://… (or DATABASE_URL_FILE)

Exit codes: 0 no differences, 1 differences, or the database cannot be read, 2 wrong usage.
`;

export const command: Command = {
  summary: "compare counters, redemptions, orders, ledger, balances and audit",
  help: HELP,
  async run({ args, env, stdout }) {
    const { acceptAdopted, auditHead } = parseFlags(args);
    const connectionString = createEnvReader(env).databaseUrl();
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 });
    client.on("error", () => {});
    await client.connect();
    try {
      const { version } = await readSchemaState(client);
      if (version !== SCHEMA_VERSION) throw new Error(describeMismatch(version));
      const differences = [...(await reconcileLedger(client)), ...(await findLostHead(client, auditHead))];
      for (const finding of await findUnprotectedBooks(client)) stdout.write(`${JSON.stringify(finding)}\n`);
      for (const difference of differences) stdout.write(`${JSON.stringify(difference)}\n`);
      const failing = differences.filter(({ adopted }) => !(adopted && acceptAdopted));
      const summary = { agree: failing.length === 0, differences: differences.length };
      stdout.write(`${JSON.stringify({ ...summary, audit_head: await readAuditHead(client) })}\n`);
      return failing.length === 0 ? EXIT.done : EXIT.checkFailed;
    } finally {
      await client.end().catch(() => undefined);
    }
  },
};

function parseFlags(args: string[]): { acceptAdopted: boolean; auditHead: AuditHead | undefined } {
  let values: { "accept-adopted": boolean; "audit-head"?: string | undefined };
  try {
    ({ values } = parseArgs({
      args,
      options: { "accept-adopted": { type: "boolean", default: false }, "audit-head": { type: "string" } },
    }));
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
  const { "accept-adopted": acceptAdopted, "audit-head": head } = values;
  const [, id = "", digest = ""] = /^(\d{1,18}):(sha256:[0-9a-f]{64})$/.exec(head ?? "") ?? [];
  if (head !== undefined && id === "")
    throw new UsageError("--audit-head must be the id and the digest of an audit row: 7:sha256:<64 hex>");
  return { acceptAdopted, auditHead: head === undefined ? undefined : { id, digest } };
}
