import { collectDefaultMetrics, Registry } from "prom-client";
import { isRecent } from "./recent.ts";
import { createSingleFlight } from "./single-flight.ts";

export { Counter, Gauge, Histogram, Registry } from "prom-client";

/**
 * How often the delay of the event loop is sampled. A sample wakes the process, so the default of 10 ms costs an idle process
 * 0.54 % of a core, and this 0.08 % (the processor time of 20 s, twice each). A delay counts from the sample before it: an
 * idle process shows about 100 ms.
 */
const EVENT_LOOP_SAMPLE_MS = 100;

/** Creates the registry of a process, with the metrics of the process itself (`process_…`, `nodejs_…`). */
export function createMetricsRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS });
  return registry;
}

/**
 * Creates the `collect` of gauges whose values are read from elsewhere. `measure` runs at most once in `freshMs`, however many
 * scrapes arrive. When it fails, the gauges keep their last values, so that a scrape still succeeds.
 */
export function createScrapeMeasurement(deps: {
  measure: () => Promise<void>;
  freshMs: number;
  now: () => Date;
}): () => Promise<void> {
  let measuredAtMs = Number.NEGATIVE_INFINITY;
  return createSingleFlight(async () => {
    const nowMs = deps.now().getTime();
    if (isRecent(measuredAtMs, nowMs, deps.freshMs)) return;
    measuredAtMs = nowMs;
    await deps.measure().catch(() => undefined);
  });
}
