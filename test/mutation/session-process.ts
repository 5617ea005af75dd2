import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createVitest, type TestSpecification } from "vitest/node";
import { type Mutant, mutantsOf, mutated } from "./mutant.ts";

// Runs the tests of one source against its mutants, and prints a line of JSON after each. It is a process of its own,
// because a mutant that never ends can only be killed.

const ROOT = join(import.meta.dirname, "../..");
const [, , file = "", first = "0"] = process.argv;
const path = join(ROOT, file);
const source = readFileSync(path, "utf8");
const TESTS = ["test/unit/admission/*.test.ts", "test/unit/admission/rules/*.test.ts"];
/** They take two thirds of the time, and check all rules together for what the other tests check in each rule. */
const SLOW_TESTS = ["fuzz", "review-text", "routes"].map((name) => `test/unit/**/${name}.test.ts`);
let current: Mutant | undefined;

const vitest = await createVitest(
  {
    ...{ config: false, root: ROOT, related: [path], watch: false, reporters: [{}] },
    ...{ include: TESTS, exclude: SLOW_TESTS, isolate: false, maxWorkers: 1, pool: "threads" },
    // One failed test is enough to notice a mutant.
    bail: 1,
    // Vitest would take the transformed file from its cache on the disk, which has the original and no mutant.
    fsModuleCache: false,
  },
  {
    plugins: [
      {
        name: "mutate",
        enforce: "pre",
        transform: (code, id) => (id === path && current !== undefined ? mutated(code, current) : undefined),
      },
    ],
  },
);

/** The test file with the name of the source. It runs first, because it is about this source alone. */
const isNearest = ({ moduleId }: TestSpecification): boolean =>
  relative(ROOT, moduleId) === file.replace(/^src\//, "test/unit/").replace(/\.ts$/, ".test.ts");
const specifications = await vitest.getRelevantTestSpecifications();
const nearest = specifications.filter(isNearest);
const others = specifications.filter((it) => !isNearest(it));

async function passes(tests: TestSpecification[]): Promise<boolean> {
  if (tests.length === 0) return true;
  vitest.invalidateFile(path);
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(tests);
  return unhandledErrors.length === 0 && testModules.every((module) => module.ok());
}
const passAll = async () => (await passes(nearest)) && (await passes(others));

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

// A test of times may fail once on a busy machine.
if ((await passAll()) || (await passAll())) {
  say({ ready: specifications.length });
  const mutants = mutantsOf(source);
  for (const mutant of mutants.slice(Number(first))) {
    current = mutant;
    say({ survives: await passAll() });
  }
} else say({ failed: "a test fails without a mutant" });
await vitest.close();
process.exit(0);
