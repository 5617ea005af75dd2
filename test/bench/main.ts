import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { errorMessage, UsageError } from "../../src/platform/errors.ts";
import { runAdmissionBench } from "./admission/bench.ts";
import { renderReport as renderAdmission } from "./admission/report.ts";
import { createPlan as createAdmissionPlan } from "./admission/scenario.ts";
import { runBillingBench } from "./billing/bench.ts";
import { renderReport } from "./billing/report.ts";
import { createPlan } from "./billing/scenario.ts";
import { describeMachine } from "./machine.ts";
import { runOperatorBench } from "./operator/bench.ts";
import { renderReport as renderOperator } from "./operator/report.ts";
import { createPlan as createOperatorPlan } from "./operator/scenario.ts";

const HELP = `Usage: npm run bench -- SUBJECT [OPTIONS]

Subjects:
  admission   the webhook of a real operator, under load over TLS, beside a bare server of Node; and what it adds to a write
              on the real API server (needs KUBEBUILDER_ASSETS)
  operator    the reconciling half of a real operator: fleets of 100 to 10,000 Sovereigns on the embedded API server, with
              a kubelet that runs every Pod at once
  billing     the billing service against the statement sequence of the service that it replaces, in turn, on one PostgreSQL

Options:
  --quick          one short round on little data: shows that the bench works, not how fast anything is
  --rounds N       rounds of each side (5)
  --only TEXT      only scenarios whose name holds TEXT
  --profile        say where the time goes in every scenario, not only where a bar is missed
  --output FILE    where the results go (bench-results.json)

Exit codes: 0 measured, whether or not every bar held; 1 something failed; 2 wrong usage.
`;

interface BenchOptions {
  isQuick: boolean;
  rounds?: number;
  only?: string;
}

interface RunOptions {
  profile: "missed" | "all" | "none";
  report: (text: string) => void;
}

/** The subjects of a bench. Each returns its results and a text for people. */
const SUBJECTS = {
  async admission(options: BenchOptions, run: RunOptions) {
    const plan = createAdmissionPlan(options);
    requireScenarios(plan.scenarios.length + plan.applies, options);
    const admission = await runAdmissionBench(plan, run);
    return { results: { admission }, bars: admission.bars, text: renderAdmission(machine, admission) };
  },
  async billing(options: BenchOptions, run: RunOptions) {
    const plan = createPlan(options);
    requireScenarios(plan.scenarios.length, options);
    const billing = await runBillingBench(plan, run);
    return { results: { billing }, bars: billing.bars, text: renderReport(machine, billing) };
  },
  async operator(options: BenchOptions, run: RunOptions) {
    const plan = createOperatorPlan(options);
    requireScenarios(plan.length, options);
    const operator = await runOperatorBench(plan, run);
    const text = renderOperator(machine, operator, run.profile === "all");
    return { results: { operator }, bars: operator.bars, text };
  },
};

const machine = describeMachine();

function requireScenarios(count: number, { only }: BenchOptions): void {
  if (count === 0) throw new UsageError(`no scenario's name holds '${only}'`);
}

const isSubject = (name: string | undefined): name is keyof typeof SUBJECTS =>
  name !== undefined && Object.hasOwn(SUBJECTS, name);

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) return void process.stdout.write(HELP);
  const [subject] = positionals;
  if (positionals.length !== 1 || !isSubject(subject))
    throw new UsageError("name what to measure: admission, billing or operator");
  if (process.platform !== "linux") throw new UsageError("the figures come from /proc: run it on Linux");
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
    throw new UsageError("--rounds must be a whole number above 0");
  const options = {
    isQuick: values.quick,
    ...(rounds === undefined ? {} : { rounds }),
    ...(values.only === undefined ? {} : { only: values.only }),
  };
  const { results, bars, text } = await SUBJECTS[subject](options, {
    profile: values.profile ? "all" : values.quick ? "none" : "missed",
    report: (line) => process.stderr.write(`${line}\n`),
  });
  const written = { at: new Date().toISOString(), quick: values.quick, machine, ...results };
  writeFileSync(values.output, `${JSON.stringify(written, null, 2)}\n`);
  const count = (held: boolean) => bars.filter((bar) => bar.held === held).length;
  process.stdout.write(`${text}\n\n`);
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
