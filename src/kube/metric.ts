import { Counter, Gauge, Histogram, type Registry } from "../platform/metrics.ts";
import type { WorkQueueObserver } from "./work-queue.ts";

const SECONDS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

type ReconcileResult = "success" | "requeue_after" | "error";

interface ControllerMetrics {
  queue: WorkQueueObserver;
  /** Counts a reconcile as active. Call the returned function when it ends. */
  reconcileStarted(): (result: ReconcileResult) => void;
}

export interface ReconcileMetrics {
  forController(controller: string, concurrency: number): ControllerMetrics;
}

/** Metrics with controller-runtime's names, so that existing dashboards work. */
export function createReconcileMetrics(registry: Registry): ReconcileMetrics {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: string[]) =>
    new Histogram({ name, help, labelNames, buckets: SECONDS, registers });

  const depth = gauge("workqueue_depth", "Keys in the queue.", ["name"]);
  const adds = counter("workqueue_adds_total", "Keys added to the queue.", ["name"]);
  const retries = counter("workqueue_retries_total", "Keys added again after a failed reconcile.", ["name"]);
  const queueSeconds = histogram("workqueue_queue_duration_seconds", "Time that a key waits in the queue.", [
    "name",
  ]);
  const workSeconds = histogram("workqueue_work_duration_seconds", "Time that the work on a key takes.", [
    "name",
  ]);
  // Computed at each scrape, so that a reconcile that hangs is visible while it hangs.
  const underWay = new Map<string, () => number[]>();
  const ages = (name: string, help: string, of: (seconds: number[]) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ["name"],
      registers,
      collect() {
        for (const [queue, read] of underWay) this.set({ name: queue }, of(read()));
      },
    });
  ages(
    "workqueue_unfinished_work_seconds",
    "Sum of the time that unfinished work has taken so far.",
    (seconds) => seconds.reduce((sum, each) => sum + each, 0),
  );
  ages(
    "workqueue_longest_running_processor_seconds",
    "Time that the longest unfinished work has taken so far.",
    (seconds) => Math.max(0, ...seconds),
  );
  const total = counter("controller_runtime_reconcile_total", "Reconciles by result.", [
    "controller",
    "result",
  ]);
  const errors = counter("controller_runtime_reconcile_errors_total", "Reconciles that failed.", [
    "controller",
  ]);
  const seconds = histogram("controller_runtime_reconcile_time_seconds", "Time that a reconcile takes.", [
    "controller",
  ]);
  const active = gauge("controller_runtime_active_workers", "Reconciles that run now.", ["controller"]);
  const maximum = gauge(
    "controller_runtime_max_concurrent_reconciles",
    "Maximum number of reconciles at the same time.",
    ["controller"],
  );

  return {
    forController(controller, concurrency) {
      const name = { name: controller };
      maximum.set({ controller }, concurrency);
      return {
        queue: {
          added: () => adds.inc(name),
          retried: () => retries.inc(name),
          depth: (waiting) => depth.set(name, waiting),
          started: (queued) => queueSeconds.observe(name, queued),
          underWay: (seconds) => underWay.set(controller, seconds),
          finished: (worked) => workSeconds.observe(name, worked),
        },
        reconcileStarted() {
          active.inc({ controller });
          const stop = seconds.startTimer({ controller });
          return (result) => {
            stop();
            active.dec({ controller });
            total.inc({ controller, result });
            if (result === "error") errors.inc({ controller });
          };
        },
      };
    },
  };
}
