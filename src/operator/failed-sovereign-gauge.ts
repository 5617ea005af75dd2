import { Gauge, type Registry } from "../platform/metrics.ts";

/** Counts the Sovereigns of each release that failed on its image, or that wait for a person before they take it. */
export interface FailedSovereignGauge {
  count(release: string, failed: number): void;
  forget(release: string): void;
  /** Call it when the leadership ends. A replica that no longer leads must not keep its last numbers. */
  reset(): void;
}

export function createFailedSovereignGauge(registry: Registry): FailedSovereignGauge {
  const gauge = new Gauge({
    name: "catalyst_failed_sovereigns",
    help: "Sovereigns that failed on the image of their BillingRelease, or that wait for a person before they take it.",
    labelNames: ["release"],
    registers: [registry],
  });
  return {
    count: (release, failed) => gauge.set({ release }, failed),
    forget: (release) => gauge.remove({ release }),
    reset: () => gauge.reset(),
  };
}
