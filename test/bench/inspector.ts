/** The inspector of a process that runs with `--inspect`. */
export interface Inspector {
  ask<T = unknown>(method: string, params?: object): Promise<T>;
  close(): void;
}

interface Answer {
  id: number;
  result?: unknown;
  error?: unknown;
}

const CLOSED = "the process has ended or closed its inspector";

export async function openInspector(url: string): Promise<Inspector> {
  const socket = new WebSocket(url);
  const answers = new Map<number, (answer: Answer) => void>();
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error(`no inspector at ${url}`)));
  });
  function settle(answer: Answer): void {
    answers.get(answer.id)?.(answer);
    answers.delete(answer.id);
  }
  socket.addEventListener("message", ({ data }) => settle(JSON.parse(String(data))));
  socket.addEventListener("close", () => {
    for (const id of answers.keys()) settle({ id, error: CLOSED });
  });
  let sent = 0;
  return {
    ask: <T>(method: string, params = {}) =>
      new Promise<T>((resolve, reject) => {
        sent += 1;
        answers.set(sent, ({ result, error }) =>
          result === undefined
            ? reject(new Error(`${method}: ${JSON.stringify(error)}`))
            : resolve(result as T),
        );
        if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ id: sent, method, params }));
        else settle({ id: sent, error: CLOSED });
      }),
    close: () => socket.close(),
  };
}

/** The longest stops of a process, in milliseconds. */
export interface Pauses {
  /** The longest delay of its event loop. */
  longestMs: number;
  /** The longest garbage collection. */
  longestCollectionMs: number;
}

/** Runs in the watched process. */
const WATCH_PAUSES = `(() => {
  const { monitorEventLoopDelay, PerformanceObserver } = process.getBuiltinModule("node:perf_hooks");
  const delay = monitorEventLoopDelay({ resolution: 5 });
  let longestCollectionMs = 0;
  const note = (entries) => {
    for (const { duration } of entries) longestCollectionMs = Math.max(longestCollectionMs, duration);
  };
  const collections = new PerformanceObserver((list) => note(list.getEntries()));
  collections.observe({ entryTypes: ["gc"] });
  delay.enable();
  globalThis.endPauseWatch = () => {
    delay.disable();
    note(collections.takeRecords());
    collections.disconnect();
    return { longestMs: delay.max / 1e6, longestCollectionMs };
  };
})()`;

/** The longest pauses of a process during `run`. */
export async function recordPauses(inspectorUrl: string, run: () => Promise<unknown>): Promise<Pauses> {
  const { ask, close } = await openInspector(inspectorUrl);
  try {
    await ask("Runtime.evaluate", { expression: WATCH_PAUSES });
    await run();
    const expression = "globalThis.endPauseWatch()";
    return (await ask<{ result: { value: Pauses } }>("Runtime.evaluate", { expression, returnByValue: true }))
      .result.value;
  } finally {
    close();
  }
}

/** A collection frees what only another collection's finalizers released. After three, nothing more is freed. */
const COLLECTIONS = 3;

/** The heap that a process still uses after forced collections, in MiB. */
export async function liveHeapMib(inspectorUrl: string): Promise<number> {
  const { ask, close } = await openInspector(inspectorUrl);
  try {
    for (let count = 0; count < COLLECTIONS; count += 1) await ask("HeapProfiler.collectGarbage");
    const { usedSize } = await ask<{ usedSize: number }>("Runtime.getHeapUsage");
    return usedSize / 1_024 ** 2;
  } finally {
    close();
  }
}
