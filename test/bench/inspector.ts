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
