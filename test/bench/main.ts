import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { errorMessage, UsageError } from "../../src/platform/errors.ts";
import { runBillingBench } from "./billing/bench.ts";
import { renderReport } from "./billing/report.ts";
import { createPlan } from "./billing/scenario.ts";
import { describeMachine } from "./machine.ts";

const HELP = `Usage: npm run bench -- billing [OPTIONS]

Measures the billing service against the statement sequence of the service that it replaces, in turn, on one PostgreSQL.

  --quick          one short round on a small ledger: shows that the bench works, not how fast anything is
  --rounds N       rounds of each side (5)
  --only TEXT      only scenarios whose name holds TEXT
  --profile        say where the time goes in every scenario, not only where a bar is missed
  --output FILE    where the results go (bench-results.json)

Exit codes: 0 measured, whether or not every bar held; 1 something failed; 2 wrong usage.
`;

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) return void process.stdout.write(HELP);
  if (positionals.length !== 1 || positionals[0] !== "billing")
    throw new UsageError("name what to measure: billing");
  if (process.platform !== "linux") throw new UsageError("the figures come from /proc: run it on Linux");
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
    throw new UsageError("--rounds must be a whole number above 0");
  const plan = createPlan({
    isQuick: values.quick,
    ...(rounds === undefined ? {} : { rounds }),
    ...(values.only === undefined ? {} : { only: values.only }),
  });
  if (plan.scenarios.length === 0) throw new UsageError(`no scenario's name holds '${values.only}'`);

  const machine = describeMachine();
  const billing = await runBillingBench(plan, {
    profile: values.profile ? "all" : values.quick ? "none" : "missed",
    report: (text) => process.stderr.write(`${text}\n`),
  });
  const results = { at: new Date().toISOString(), quick: values.quick, machine, billing };
  writeFileSync(values.output, `${JSON.stringify(results, null, 2)}\n`);
  const count = (held: boolean) => billing.bars.filter((bar) => bar.held === held).length;
  process.stdout.write(`${renderReport(machine, billing)}\n\n`);
  process.stdout.write(`${count(true)} bars held, ${count(false)} missed; all figures in ${values.output}\n`);
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        only: { type: "string" },
        profile: { type: "boolean", default: false },
        output: { type: "string", default: "bench-results.json" },
      },
    });
  } catch (error) {
    throw new UsageError(errorMessage(error), { cause: error });
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${errorMessage(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
