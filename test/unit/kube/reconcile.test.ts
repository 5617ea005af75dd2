import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { FieldConflict } from "../../../src/kube/field-conflict.ts";
import type { Informer, InformerHandler } from "../../../src/kube/informer.ts";
import { createReconcileMetrics } from "../../../src/kube/metric.ts";
import {
  type ControllerOptions,
  createController,
  isRequestChanged,
  type Outcome,
  watchInformer,
  watchLaterChanges,
  watchPrimary,
} from "../../../src/kube/reconcile.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { aborted } from "../../../src/platform/shutdown.ts";
import { settled } from "../../support/builder/work-queue.ts";
import { eventually, until } from "../../support/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function run(reconcile: ControllerOptions["reconcile"], options: Partial<ControllerOptions> = {}) {
  const registry = new Registry();
  const lines: { msg: string }[] = [];
  const logger = pino({ level: "info" }, { write: (line) => void lines.push(JSON.parse(line)) });
  const seen: string[] = [];
  const controller = createController(
    { logger, metrics: createReconcileMetrics(registry) },
    {
      name: "sovereign",
      watches: [],
      backoff: { firstMs: 5, maxMs: 20 },
      reconcile(key, signal, attempt) {
        seen.push(key);
        return reconcile(key, signal, attempt);
      },
      ...options,
    },
  );
  const abort = new AbortController();
  const running = controller.run(abort.signal);
  const stop = async () => {
    abort.abort();
    await running;
  };
  cleanups.push(stop);
  const value = async (name: string, labels: Record<string, string> = {}) => {
    const metric = (await registry.getMetricsAsJSON()).find((each) => each.name === name);
    const values = metric?.values as { value: number; labels: Record<string, string> }[] | undefined;
    return values?.find((each) =>
      Object.entries(labels).every(([label, text]) => each.labels[label] === text),
    )?.value;
  };
  return { controller, seen, stop, value, lines };
}

/** A cache that the test fills, and whose events it sends. */
function handFed(objects: KubernetesObject[]) {
  const handlers = new Set<InformerHandler<KubernetesObject>>();
  const informer: Informer<KubernetesObject> = {
    resource: CONFIG_MAPS,
    list: () => objects,
    onLaterChange(handler: InformerHandler<KubernetesObject>, signal?: AbortSignal) {
      handlers.add(handler);
      signal?.addEventListener("abort", () => handlers.delete(handler));
    },
    onChange(handler: InformerHandler<KubernetesObject>, signal?: AbortSignal) {
      informer.onLaterChange(handler, signal);
      for (const object of objects) handler({ kind: "added", object });
    },
  } as unknown as Informer<KubernetesObject>;
  const tell: InformerHandler<KubernetesObject> = (event) => {
    for (const handler of handlers) handler(event);
  };
  return { informer, tell, handlers };
}

const object = (name: string, labels: Record<string, string> = {}): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
});

const done: Outcome = { kind: "done" };

describe("a controller", () => {
  it("reconciles present objects, changed objects, and the owners from before the change", async () => {
    const primary = handFed([object("a"), object("b")]);
    const secondary = handFed([]);
    const { seen } = run(async () => done, {
      watches: [
        watchPrimary(primary.informer),
        watchInformer(secondary.informer, ({ metadata }) => [metadata.labels?.owner ?? "nobody"]),
      ],
    });
    await eventually(() => expect(seen).toEqual(["a", "b"]));
    await settled();
    secondary.tell({
      kind: "updated",
      previous: object("x", { owner: "former" }),
      object: object("x", { owner: "present" }),
    });
    primary.tell({ kind: "deleted", object: object("b") });
    // All workers are idle. The first one that runs takes the change of the primary object, which comes before the owners.
    await eventually(() => expect(seen.slice(2)).toEqual(["b", "former", "present"]));
  });

  it("gives an edit, a change, a new object and a present one their priorities", () => {
    const fresh = (name: string) => ({
      ...object(name),
      metadata: { ...object(name).metadata, generation: 1 },
    });
    const observed = (name: string) => ({ ...fresh(name), status: { observedGeneration: 1 } });
    const primary = handFed([observed("settled"), fresh("new")]);
    const secondary = handFed([object("x", { owner: "settled" })]);
    const enqueued: unknown[] = [];
    const owner = ({ metadata }: KubernetesObject) => [metadata.labels?.owner ?? ""];
    for (const watch of [watchPrimary(primary.informer), watchInformer(secondary.informer, owner)])
      watch.connect(
        (key, _afterMs, priority) => enqueued.push(`${key} ${priority}`),
        new AbortController().signal,
      );
    expect(enqueued).toEqual(["settled resync", "new first", "settled resync"]);
    enqueued.length = 0;
    primary.tell({ kind: "added", object: fresh("later") });
    primary.tell({ kind: "updated", previous: observed("settled"), object: observed("settled") });
    secondary.tell({ kind: "deleted", object: object("x", { owner: "settled" }) });
    expect(enqueued).toEqual(["later first", "settled edit", "settled change"]);
  });

  it("enqueues the owners of objects that change later, and of none that is present", () => {
    const { informer, tell } = handFed([object("x", { owner: "settled" })]);
    const enqueued: string[] = [];
    watchLaterChanges(informer, ({ metadata }) => [metadata.labels?.owner ?? "none"]).connect(
      (key, afterMs, priority) => enqueued.push(`${key} ${afterMs} ${priority}`),
      new AbortController().signal,
    );
    expect(enqueued).toEqual([]);
    tell({ kind: "added", object: object("y", { owner: "a" }) });
    tell({ kind: "deleted", object: object("y", { owner: "b" }) });
    expect(enqueued).toEqual(["a 0 change", "b 0 change"]);
  });

  it("receives no events after it has stopped", async () => {
    const { informer, handlers } = handFed([]);
    const { stop } = run(async () => done, { watches: [watchPrimary(informer)] });
    expect(handlers.size).toBe(1);
    await stop();
    expect(handlers.size).toBe(0);
  });

  it.each<[Outcome, string]>([
    [done, "success"],
    [{ kind: "stalled", reason: "Broken", message: "mend it" }, "success"],
    [{ kind: "done", requeueAfterMs: 60_000 }, "requeue_after"],
    [{ kind: "waiting", reason: "Soon", message: "wait", retryAfterMs: 60_000 }, "requeue_after"],
  ])("counts %j as %s", async (outcome, result) => {
    const { controller, seen, value } = run(async () => outcome);
    controller.enqueue("a");
    await until(() => seen.length === 1, "one reconcile");
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await value("controller_runtime_reconcile_total", { controller: "sovereign", result })).toBe(1);
    expect(await value("controller_runtime_active_workers")).toBe(0);
    expect(await value("controller_runtime_max_concurrent_reconciles")).toBe(4);
    expect(await value("workqueue_adds_total", { name: "sovereign" })).toBe(1);
    expect(await value("workqueue_depth")).toBe(0);
    expect(seen).toEqual(["a"]);
  });

  it.each<[string, Outcome]>([
    ["done with a time", { kind: "done", requeueAfterMs: 10 }],
    ["waiting", { kind: "waiting", reason: "Soon", message: "wait", retryAfterMs: 10 }],
  ])("reconciles again by itself after %s", async (_, outcome) => {
    const { controller, seen } = run(async () => outcome);
    controller.enqueue("a");
    await until(() => seen.length >= 3, "three looks");
  });

  it.each<[string, unknown]>([
    ["an error", new Error("a bug")],
    ["a conflict", new KubeError("changed meanwhile", { status: 409, reason: "Conflict" })],
    ["nothing at all", undefined],
  ])("tries again after %s was thrown, and counts it", async (_, thrown) => {
    let calls = 0;
    const { controller, seen, value } = run(async () => {
      calls += 1;
      if (calls < 4) throw thrown;
      return done;
    });
    controller.enqueue("a");
    await until(() => seen.length === 4, "four tries");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen).toHaveLength(4);
    expect(await value("controller_runtime_reconcile_errors_total")).toBe(3);
    expect(await value("workqueue_retries_total")).toBe(3);
  });

  it("counts the tries in a row, and starts again after one that did not throw", async () => {
    const attempts: number[] = [];
    const { controller } = run(async (_key, _signal, attempt) => {
      attempts.push(attempt);
      if (attempts.length === 3) return { kind: "waiting", reason: "Soon", message: "", retryAfterMs: 1 };
      if (attempts.length < 6) throw new Error("not yet");
      return done;
    });
    controller.enqueue("a");
    await until(() => attempts.length === 6, "six tries");
    expect(attempts).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it("reports a failure once in the log and to its receiver, and logs its end", async () => {
    const reported: string[] = [];
    let calls = 0;
    const refused = new KubeError("no right", { status: 403, reason: "Forbidden" });
    const { controller, lines } = run(
      async () => {
        calls += 1;
        if (calls < 6) throw refused;
        return done;
      },
      { onFailure: (key, { reason }) => void reported.push(`${key} ${reason}`) },
    );
    controller.enqueue("a");
    await until(() => lines.some(({ msg }) => msg === "reconcile succeeded again"), "the end");
    expect(reported).toEqual(["a WriteForbidden"]);
    expect(lines.map(({ msg }) => msg)).toEqual([
      "controller started",
      "reconcile failed; backing off",
      "reconcile succeeded again",
    ]);
  });

  it("waits for the pause of a field conflict instead of backing off", async () => {
    const { controller, seen, value } = run(async () => {
      throw new FieldConflict("another writer keeps changing it", 60_000);
    });
    controller.enqueue("a");
    await until(() => seen.length === 1, "one look");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen).toEqual(["a"]);
    expect(await value("controller_runtime_reconcile_total", { result: "requeue_after" })).toBe(1);
  });

  it("reconciles every object at each resync", async () => {
    const { informer } = handFed([object("a"), object("b")]);
    const { seen } = run(async () => done, { watches: [watchPrimary(informer)], resyncMs: 30 });
    await until(() => seen.filter((key) => key === "b").length >= 3, "two resyncs");
    expect(seen.filter((key) => key === "a").length).toBeGreaterThanOrEqual(2);
  });

  it("measures the time of a reconcile that hangs while it hangs", async () => {
    const { controller, seen, value } = run(async (_, signal) => {
      await aborted(signal);
      return done;
    });
    controller.enqueue("a");
    await until(() => seen.length === 1, "the reconcile");
    await new Promise((resolve) => setTimeout(resolve, 30));
    for (const name of ["workqueue_unfinished_work_seconds", "workqueue_longest_running_processor_seconds"]) {
      expect(await value(name, { name: "sovereign" })).toBeGreaterThan(0.02);
    }
  });

  it("gives reconciles its signal and waits for them to end", async () => {
    let ended = false;
    const { controller, seen, stop } = run(async (_, signal) => {
      await aborted(signal);
      await new Promise((resolve) => setTimeout(resolve, 20));
      ended = true;
      return done;
    });
    controller.enqueue("a");
    await until(() => seen.length === 1, "the reconcile");
    await stop();
    expect(ended).toBe(true);
  });
});

describe("isRequestChanged", () => {
  const at = (metadata: Partial<KubernetesObject["metadata"]>): KubernetesObject => ({
    ...object("a"),
    metadata: { name: "a", generation: 1, finalizers: ["f"], resourceVersion: "1", ...metadata },
  });
  it.each<[string, Partial<KubernetesObject["metadata"]>, boolean]>([
    ["a status write", { resourceVersion: "2" }, false],
    ["labels", { labels: { a: "b" } }, false],
    ["another generation", { generation: 2 }, true],
    ["a deletion", { deletionTimestamp: "2026-01-01T00:00:00Z" }, true],
    ["another finalizer", { finalizers: ["f", "g"] }, true],
    ["no finalizers", { finalizers: [] }, true],
  ])("decides whether %s is a request", (_, metadata, expected) => {
    expect(isRequestChanged(at({}), at(metadata))).toBe(expected);
  });
});
