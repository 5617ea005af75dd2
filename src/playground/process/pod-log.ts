import { open } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "../../platform/shutdown.ts";
import type { PodLog } from "../apiserver/index.ts";

const LOOK_AGAIN_MS = 100;
const CHUNK_BYTES = 64 * 1024;

/** Where a container's output lies, of all its restarts. */
export const podLogFile = (folder: string, namespace: string, pod: string, container: string): string =>
  join(folder, `${namespace}_${pod}_${container}.log`);

/** Reads what the process runner's containers wrote, as `kubectl logs` asks for it. */
export function createPodLog(folder: string): PodLog {
  return async function* read({ namespace, name, container, follow, tailLines, goesOn, signal }) {
    const path = podLogFile(folder, namespace, name, container);
    const file = await open(path).catch((error: NodeJS.ErrnoException) => {
      // Nothing was started yet, so nothing was said.
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (file === undefined) return;
    try {
      const { size } = await file.stat();
      let position = tailLines === undefined ? 0 : await startOfTail(file, size, tailLines);
      const buffer = Buffer.alloc(CHUNK_BYTES);
      for (;;) {
        // Asked before reading: what was written until then is still read.
        const isLast = !follow || signal.aborted || !goesOn();
        for (;;) {
          const length = follow ? CHUNK_BYTES : Math.min(CHUNK_BYTES, size - position);
          const { bytesRead } = await file.read(buffer, 0, length, position);
          if (bytesRead === 0) break;
          position += bytesRead;
          yield Buffer.from(buffer.subarray(0, bytesRead));
        }
        if (isLast) return;
        await sleep(LOOK_AGAIN_MS, signal);
      }
    } finally {
      await file.close();
    }
  };
}

type File = Awaited<ReturnType<typeof open>>;

/** Where the last so many lines begin: read backwards, as a log may be long. */
async function startOfTail(file: File, size: number, lines: number): Promise<number> {
  if (lines === 0) return size;
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let seen = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    await file.read(buffer, 0, end - start, start);
    for (let index = end - start - 1; index >= 0; index -= 1) {
      // The newline that ends the last line begins no other.
      if (buffer[index] !== 0x0a || start + index === size - 1) continue;
      seen += 1;
      if (seen === lines) return start + index + 1;
    }
    end = start;
  }
  return 0;
}
