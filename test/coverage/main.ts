import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { textTable } from "../bench/text-table.ts";
import { type FileCoverage, summarise } from "./branch.ts";
import { readProcessCoverage } from "./process-coverage.ts";

/** Of the branches of the billing service, in percent. */
const BOUND = 95;
const ROOT = join(import.meta.dirname, "../..");
const SOURCE = join(ROOT, "src/billing");
const TESTS = ["test/unit/billing", "test/unit/platform", "test/integration/billing"];
/** They want tools that a machine may not have: named by `KUBEBUILDER_ASSETS`. */
const TESTS_WITH_TOOLS = ["test/conformance/kafka.test.ts", "test/conformance/stripe.test.ts"];

/** Whether all of them passed. */
async function runTests(folder: string): Promise<boolean> {
  const hasTools = process.env.KUBEBUILDER_ASSETS !== undefined;
  const child = spawn(
    process.execPath,
    [
      join(ROOT, "node_modules/vitest/vitest.mjs"),
      "run",
      ...["unit", "integration", ...(hasTools ? ["conformance"] : [])].flatMap((name) => ["--project", name]),
      ...TESTS,
      ...(hasTools ? TESTS_WITH_TOOLS : []),
      ...[
        "--reporter",
        "default",
        "--coverage.enabled",
        "--coverage.reportOnFailure",
        "--coverage.provider",
        "v8",
        "--coverage.reporter",
        "json",
      ],
      ...["--coverage.include", "src/billing/**/*.ts", "--coverage.reportsDirectory", join(folder, "report")],
    ],
    { cwd: ROOT, stdio: "inherit", env: { ...process.env, PROCESS_COVERAGE: join(folder, "process") } },
  );
  const [code] = await once(child, "exit");
  return code === 0;
}

const folder = mkdtempSync(join(tmpdir(), "catalyst-coverage-"));
try {
  const passed = await runTests(folder);
  const report: Record<string, FileCoverage> = JSON.parse(
    readFileSync(join(folder, "report/coverage-final.json"), "utf8"),
  );
  const files = summarise(Object.values(report), await readProcessCoverage(join(folder, "process"), SOURCE));
  const covered = files.reduce((sum, file) => sum + file.covered, 0);
  const total = files.reduce((sum, file) => sum + file.total, 0);
  const percent = (part: number, whole: number) => ((part / whole) * 100).toFixed(1);
  const incomplete = files
    .filter((file) => file.covered < file.total)
    .sort((a, b) => a.covered / a.total - b.covered / b.total);
  process.stdout.write(
    `${textTable([
      ["branches of src/billing", "%", "missed on lines"],
      ...incomplete.map((file) => [
        relative(SOURCE, file.path),
        percent(file.covered, file.total),
        file.missedLines.join(", "),
      ]),
    ])}\n\n${percent(covered, total)} % of ${total} branches in ${files.length} files ran; at least ${BOUND} % must\n`,
  );
  if (!passed || (covered / total) * 100 < BOUND) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
