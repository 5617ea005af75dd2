import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { errorMessage, UsageError } from "../../platform/errors.ts";

export interface StateDirectory {
  path: string;
  file(...names: string[]): string;
  /** Gives the directory free; with `remove`, takes away all that is in it. */
  release(remove: boolean): void;
}

/**
 * Takes the directory for this process alone. What a killed playground left is taken over; one that still runs is
 * named in the `UsageError`.
 */
export function claimStateDirectory(directory: string): StateDirectory {
  const path = resolve(directory);
  const lock = join(path, "playground.pid");
  try {
    makeDirectory(path);
  } catch (error) {
    throw new UsageError(
      `the state directory ${path} cannot be made: ${errorMessage(error)}; choose another with --state-dir`,
    );
  }
  const holder = readHolder(lock);
  if (holder !== undefined && isAlive(holder)) {
    throw new UsageError(
      `a playground (process ${holder.pid}) is using ${path}: stop it, or choose another directory with --state-dir`,
    );
  }
  try {
    const file = openSync(lock, "w", 0o600);
    writeFileSync(file, `${process.pid} ${startTimeOf(process.pid) ?? ""}\n`);
    closeSync(file);
  } catch (error) {
    throw new UsageError(
      `the state directory ${path} cannot be written: ${errorMessage(error)}; choose another with --state-dir`,
    );
  }
  return {
    path,
    file: (...names) => join(path, ...names),
    release: (remove) => rmSync(remove ? path : lock, { recursive: true, force: true }),
  };
}

/** One level at a time: Node's own recursion never ends on file systems that refuse with ENOENT, as /proc does. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

interface Holder {
  pid: number;
  startTime: string;
}

function readHolder(lock: string): Holder | undefined {
  try {
    const [pid = "", startTime = ""] = readFileSync(lock, "utf8").trim().split(" ");
    return Number(pid) > 0 ? { pid: Number(pid), startTime } : undefined;
  } catch {
    return undefined;
  }
}

/** The same process, and not a later one under its number. */
function isAlive({ pid, startTime }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const seen = startTimeOf(pid);
  return seen === undefined || seen === startTime;
}

/** Clock ticks since boot at which a process began; undefined where there is no /proc. */
function startTimeOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[19];
  } catch {
    return undefined;
  }
}
