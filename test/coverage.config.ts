import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** These tests need a broker and a payment processor, which `KUBEBUILDER_ASSETS` may hold. */
const WITH_TOOLS = [
  { tool: "kfake", test: "test/conformance/kafka-*.test.ts" },
  { tool: "stripe-mock", test: "test/conformance/stripe.test.ts" },
];
const { KUBEBUILDER_ASSETS: assets } = process.env;

/** Each folder must reach the bound by itself: a well-tested folder does not make up for another. */
const FOLDERS = ["admission", "billing", "controllers", "kube", "operator"];
const MIN_BRANCHES = 95;
/** Their tests also run branches of these folders: platform code, and the operator as a process. */
const OTHER_TESTS = ["unit/platform", "integration/cli"];

/**
 * `npm run coverage`: the branches that the tests of these folders run, in the test process and in the processes that it
 * starts. A killed process reports nothing. Scripts for browsers run only in Chromium, and are not counted.
 */
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, ".."),
    include: [
      ...FOLDERS.flatMap((folder) => [`unit/${folder}`, `integration/${folder}`])
        .concat(OTHER_TESTS)
        .map((folder) => `test/${folder}/**/*.test.ts`),
      ...WITH_TOOLS.filter(({ tool }) => assets !== undefined && existsSync(join(assets, tool))).map(
        ({ test }) => test,
      ),
    ],
    globalSetup: ["test/support/server/postgres.ts"],
    maxWorkers: 4,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Node loads the sources itself, as in the processes that tests start. Otherwise a branch has two places: transformed
    // sources move 1,100 of 2,000 branches of billing, and those count twice.
    experimental: { viteModuleRunner: false },
    coverage: {
      enabled: true,
      provider: "v8",
      autoAttachSubprocess: true,
      include: FOLDERS.map((folder) => `src/${folder}/**/*.ts`),
      // A test that fails only on a loaded machine must not cost the figures of the run.
      reportOnFailure: true,
      reporter: [["text", { skipFull: true }], "text-summary"],
      thresholds: Object.fromEntries(
        FOLDERS.map((folder) => [`src/${folder}/**/*.ts`, { branches: MIN_BRANCHES }]),
      ),
    },
  },
});
