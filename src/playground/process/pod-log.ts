import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "../../platform/shutdown.ts";
import type { PodLog } from "../apiserver/index.ts";

const POLL_INTERVAL_MS = 100;
const CHUNK_BYTES = 64 * 1024;

/** The file with a container's output, of all its restarts. */
export const podLogFile = (folder: string, namespace: string, pod: string, container: string): string =>
  join(folder, `${namespace}_${pod}_${container}.log`);

/** Reads the output of the runner's containers for `kubectl logs`. */
export function createPodLog(folder: string): PodLog {
  return async function* read({ namespace, name, container, follow, tailLines, goesOn, signal }) {
    const file = await openIfExists(podLogFile(folder, namespace, name, container));
    // The container has not started yet, so it has no output.
    if (file === undefined) return;
    try {
      const { size } = await file.stat();
      let position = tailLines === undefined ? 0 : await startOfTail(file, size, tailLines);
      for (;;) {
        // Checked before the read, so that the output up to this moment is still read.
        const isLast = !follow || signal.aborted || !goesOn();
        for await (const chunk of readChunks(file, position, follow ? Number.POSITIVE_INFINITY : size)) {
          position += chunk.length;
          yield chunk;
        }
        if (isLast) return;
        await sleep(POLL_INTERVAL_MS, signal);
      }
    } finally {
      await file.close();
    }
  };
}

async function openIfExists(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The bytes from `start` to `end`, or to the end of the file when that comes first. */
async function* readChunks(file: FileHandle, start: number, end: number): AsyncIterable<Buffer> {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (let position = start; ; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(CHUNK_BYTES, end - position), position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield Buffer.from(buffer.subarray(0, bytesRead));
  }
}

/** Offset at which the last `lines` lines begin. Reads backwards, because a log can be long. */
async function startOfTail(file: FileHandle, size: number, lines: number): Promise<number> {
  if (lines === 0) return size;
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let seen = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    await file.read(buffer, 0, end - start, start);
    for (let index = end - start - 1; index >= 0; index -= 1) {
      // The newline at the end of the file ends the last line and starts no other.
      if (buffer[index] !== 0x0a || start + index === size - 1) continue;
      seen += 1;
      if (seen === lines) return start + index + 1;
    }
    end = start;
  }
  return 0;
}
