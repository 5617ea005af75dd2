import { spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type Mutant, mutantsOf } from "./mutant.ts";

const HELP = `Usage: npm run mutate -- [OPTIONS] [FILE...]

Changes conditions, operators, literals and lists of each FILE (default: all of src/admission/rules), one at a time, and runs
the unit tests that import it. A mutant that no test notices survives.

Options:
  --minutes N   stop after about N minutes, and say how much is left (60)

Exit codes: 0 done; 1 a file could not be tested, such as one whose tests fail without a mutant; 2 wrong usage.
`;

const ROOT = join(import.meta.dirname, "../..");
const SESSION = join(import.meta.dirname, "session-process.ts");
/** Longer than the tests of any rule take, with the start of a session. A mutant that takes longer never ends. */
const MAX_SILENT_MS = 60_000;
/** The number of sessions that run at the same time. Each has a thread for its tests. */
const SESSIONS = 2;

interface Result {
  file: string;
  mutants: readonly Mutant[];
  tested: number;
  survivors: Mutant[];
}

/** The end of a session: all its mutants are tested, the time is over, or one mutant never ended. */
type End = "done" | "late" | "endless";

async function testFile(file: string, deadlineMs: number): Promise<Result> {
  const mutants = mutantsOf(readFileSync(join(ROOT, file), "utf8"));
  const result: Result = { file, mutants, tested: 0, survivors: [] };
  while (result.tested < mutants.length && Date.now() < deadlineMs) {
    const end = await runSession(file, result, deadlineMs);
    if (end === "endless") result.tested += 1;
    if (end === "late") break;
  }
  return result;
}

/** Tests the mutants from the first untested one on. */
function runSession(file: string, result: Result, deadlineMs: number): Promise<End> {
  const { promise, resolve, reject } = Promise.withResolvers<End>();
  const child = spawn(process.execPath, [SESSION, file, String(result.tested)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = (end: End) => {
    child.kill("SIGKILL");
    resolve(end);
  };
  const late = setTimeout(kill, deadlineMs - Date.now(), "late");
  let isReady = false;
  const endSilent = () => {
    // Without a mutant, silence is a fault of the tests or of the machine, and no mutant is killed.
    if (!isReady) reject(new Error(`no result of its tests without a mutant within ${MAX_SILENT_MS} ms`));
    kill("endless");
  };
  let silent = setTimeout(endSilent, MAX_SILENT_MS);
  createInterface({ input: child.stdout }).on("line", (text) => {
    clearTimeout(silent);
    silent = setTimeout(endSilent, MAX_SILENT_MS);
    const { ready, failed, survives } = JSON.parse(text) as {
      ready?: number;
      failed?: string;
      survives?: boolean;
    };
    if (ready !== undefined) isReady = true;
    if (failed !== undefined) reject(new Error(failed));
    const mutant = result.mutants[result.tested];
    if (survives === undefined || mutant === undefined) return;
    result.tested += 1;
    if (survives) result.survivors.push(mutant);
  });
  child.once("error", reject);
  child.once("close", (code) => {
    if (code === 0) resolve("done");
    else reject(new Error(`the session ended with code ${code}`));
  });
  return promise.finally(() => {
    clearTimeout(late);
    clearTimeout(silent);
  });
}

const percent = (killed: number, tested: number): string =>
  tested === 0 ? "–" : `${((killed / tested) * 100).toFixed(1)} %`;

function report({ file, mutants, tested, survivors }: Result): string {
  const killed = tested - survivors.length;
  const left = mutants.length - tested;
  const lines = survivors.map(({ line, start, end, replacement }) => {
    const original = readFileSync(join(ROOT, file), "utf8").slice(start, end).replaceAll(/\s+/g, " ");
    return `  survives ${file}:${line}: ${original.slice(0, 70)} → ${replacement.replaceAll(/\s+/g, " ").slice(0, 70)}`;
  });
  const rest = left === 0 ? "" : `, ${left} not tested`;
  return [`${file}: ${killed} of ${tested} mutants killed, ${percent(killed, tested)}${rest}`, ...lines].join(
    "\n",
  );
}

function parseCommand() {
  try {
    const { values, positionals } = parseArgs({
      options: { minutes: { type: "string", default: "60" }, help: { type: "boolean", short: "h" } },
      allowPositionals: true,
    });
    const minutes = Number(values.minutes);
    if (!(minutes > 0)) throw new Error("--minutes must be a number above 0");
    return { minutes, files: positionals, isHelp: values.help === true };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

const { minutes, files, isHelp } = parseCommand();
if (isHelp) {
  process.stdout.write(HELP);
  process.exit(0);
}
const deadlineMs = Date.now() + minutes * 60_000;
const waiting = files.length > 0 ? files : globSync("src/admission/rules/*.ts", { cwd: ROOT }).sort();
const results: Result[] = [];
async function work(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    try {
      const result = await testFile(file, deadlineMs);
      results.push(result);
      process.stdout.write(`${report(result)}\n`);
    } catch (error) {
      process.stderr.write(`${file}: ${(error as Error).message}\n`);
      process.exitCode = 1;
    }
  }
}
await Promise.all(Array.from({ length: SESSIONS }, work));
const tested = results.reduce((sum, it) => sum + it.tested, 0);
const killed = tested - results.reduce((sum, it) => sum + it.survivors.length, 0);
const all = results.reduce((sum, it) => sum + it.mutants.length, 0);
process.stdout.write(
  `score: ${percent(killed, tested)} (${killed} of ${tested} mutants killed, of ${all} in ${results.length} files)\n`,
);
