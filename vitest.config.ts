import { defineConfig } from "vitest/config";

// Three projects: `unit` needs nothing, `integration` starts real PostgreSQL and real processes,
// `conformance` wants a kube-apiserver and etcd in KUBEBUILDER_ASSETS, and Chromium.
// `npm run coverage` asks real processes too what ran in them.
const { PROCESS_COVERAGE } = process.env;
const env = PROCESS_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE: PROCESS_COVERAGE };

export default defineConfig({
  test: {
    // Most of a test's time is waiting for real processes and databases: more files at once than cores.
    maxWorkers: 4,
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 20_000 } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/support/postgres.ts"],
          env,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "conformance",
          include: ["test/conformance/**/*.test.ts"],
          globalSetup: ["test/support/postgres.ts"],
          env,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
