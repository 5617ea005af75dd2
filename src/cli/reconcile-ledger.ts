import pg from "pg";
import { describeMismatch } from "../billing/db/migrate.ts";
import { SCHEMA_VERSION } from "../billing/db/schema.ts";
import { readSchemaState } from "../billing/db/schema-state.ts";
import { findUnprotectedBooks } from "../billing/db/serving-role.ts";
import {
  type AuditHead,
  findChangedGuards,
  findLostHead,
  readAuditHead,
} from "../billing/ledger/audit-check.ts";
import { recordChanges } from "../billing/ledger/audit-record.ts";
import { reconcileLedger } from "../billing/ledger/reconcile-ledger.ts";
import { findLastingSmokeVouchers } from "../billing/ledger/smoke-check.ts";
import { SMOKE_TEST_MAX_MS } from "../billing/smoke.ts";
import { createEnvReader } from "../platform/env.ts";
import { UsageError } from "../platform/errors.ts";
import { sleep } from "../platform/shutdown.ts";
import { type Command, EXIT } from "./command.ts";
import { type Flag, parseCommandLine } from "./flag.ts";

const FLAGS = [
  {
    name: "accept-adopted",
    description: "print differences that the earlier service caused, but do not fail because of them",
  },
  {
    name: "audit-head",
    value: "ID:DIGEST",
    description:
      "the last audit row of an earlier run: it must still be there, or rows were removed or rewritten",
  },
  {
    name: "record",
    value: "REASON",
    description:
      "append an audit row for each voucher that was changed without one, for example by the earlier service after the adoption, and compare again. The row names the database's user and the reason. Needs the login of the role that migrates",
  },
] as const satisfies readonly Flag[];

export const command: Command = {
  summary: "compare counters, redemptions, orders, ledger, balances and audit",
  description: [
    "Compares each voucher's counter with its redemptions, each redemption with its ledger entry, each order with its payments, its subscription and its event, and each balance with the sum of its ledger entries. Replays the audit against itself and against the vouchers, judges each redemption by the terms of its time, and looks for changed functions and triggers that guard the books.",
    "Prints a JSON line for each difference, with the rows, and a last line with the number of differences and the last audit row. When the serving role could also alter the books, a line of its own says so, and does not count as a difference.",
  ],
  flags: FLAGS,
  environment: [["DATABASE_URL", "the database: postgres://… (or DATABASE_URL_FILE)"]],
  examples: [
    [
      "catalyst reconcile-ledger --accept-adopted",
      "compare the books of a database that the earlier service wrote",
    ],
  ],
  exitCodes: "0 no difference; 1 a difference, or the database cannot be read; 2 wrong usage",
  async run({ args, env, stdout }) {
    const { acceptAdopted, auditHead, reason } = parseFlags(args);
    const connectionString = createEnvReader(env).databaseUrl();
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 });
    client.on("error", () => {});
    await client.connect();
    try {
      const { version, drift } = await readSchemaState(client);
      if (version !== SCHEMA_VERSION) throw new Error(describeMismatch(version));
      if (reason !== undefined) {
        const recorded = await recordChanges(client, await reconcileLedger(client), reason);
        stdout.write(`${JSON.stringify({ recorded })}\n`);
      }
      const differences = [
        ...findChangedGuards(drift),
        ...(await reconcileLedger(client)),
        ...(await findLostHead(client, auditHead)),
        ...(await findLastingSmokeVouchers(client, () => sleep(SMOKE_TEST_MAX_MS))),
      ];
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

interface ReconcileFlags {
  acceptAdopted: boolean;
  auditHead: AuditHead | undefined;
  reason: string | undefined;
}

function parseFlags(args: string[]): ReconcileFlags {
  const { values } = parseCommandLine(FLAGS, args);
  const { "accept-adopted": acceptAdopted, "audit-head": head, record } = values;
  const [, id = "", digest = ""] = /^(\d{1,18}):(sha256:[0-9a-f]{64})$/.exec(head ?? "") ?? [];
  if (head !== undefined && id === "")
    throw new UsageError("--audit-head must be the id and the digest of an audit row: 7:sha256:<64 hex>");
  const reason = record?.trim();
  if (reason === "" || (reason ?? "").length > 500)
    throw new UsageError("--record must be a reason of 1 to 500 characters");
  return { acceptAdopted, reason, auditHead: head === undefined ? undefined : { id, digest } };
}
