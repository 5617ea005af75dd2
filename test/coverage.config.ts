import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** They want a broker and a payment processor that a machine may not have: built into `KUBEBUILDER_ASSETS`. */
const WITH_TOOLS = [
  { tool: "kfake", test: "test/conformance/kafka.test.ts" },
  { tool: "stripe-mock", test: "test/conformance/stripe.test.ts" },
];
const { KUBEBUILDER_ASSETS: assets } = process.env;

/**
 * `npm run coverage`: the branches of the billing service that its tests run, here and in the processes that they start.
 * What a killed process ran is lost. Scripts for browsers run in Chromium alone, and are not counted.
 */
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, ".."),
    include: [
      "test/unit/billing/**/*.test.ts",
      "test/unit/platform/**/*.test.ts",
      "test/integration/billing/**/*.test.ts",
      ...WITH_TOOLS.filter(({ tool }) => assets !== undefined && existsSync(join(assets, tool))).map(
        ({ test }) => test,
      ),
    ],
    globalSetup: ["test/support/server/postgres.ts"],
    maxWorkers: 4,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Node itself loads the sources, as it does in the processes that tests start: only then are a branch here and the
    // same branch there one branch. Transformed sources place 1,100 of 2,000 elsewhere, and they are counted twice.
    experimental: { viteModuleRunner: false },
    coverage: {
      enabled: true,
      provider: "v8",
      autoAttachSubprocess: true,
      include: ["src/billing/**/*.ts"],
      reporter: [["text", { skipFull: true }], "text-summary"],
      thresholds: { branches: 95 },
    },
  },
});
