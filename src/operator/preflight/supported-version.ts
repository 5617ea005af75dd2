/** The supported versions. docs/supported-versions.md states the same, and which of them the tests run on. */
export const SUPPORTED = {
  /** Minor versions of Kubernetes 1. The chart also installs on older ones down to `oldest`, but no test runs on those. */
  kubernetes: { from: 34, to: 36, tested: [34, 36], oldest: 30 },
  /** Major versions. */
  postgres: { from: 15, to: 18 },
} as const;
