import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { UsageError } from "../../platform/errors.ts";

/** A takeover lasts microseconds. The process of an older takeover file was killed. */
const TAKEOVER_MS = 5_000;

/**
 * Takes the lock for this process. Of several processes at once, exactly one gets it. Returns undefined when this process has
 * the lock, else the process number of the holder. A lock whose holder has ended is taken over.
 */
export function takeProcessLock(lock: string): number | undefined {
  const own = `${lock}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${startTimeOf(process.pid) ?? ""}\n`, { mode: 0o600 });
  try {
    // Linking a complete file creates the lock in one step, so no process ever reads a part of it.
    if (succeeds(() => linkSync(own, lock), "EEXIST")) return undefined;
    return lockHolder(lock) ?? takeOver(lock, own);
  } finally {
    rmSync(own, { force: true });
  }
}

/** The process number of the holder; undefined when the holder has ended. */
export function lockHolder(lock: string): number | undefined {
  const holder = readHolder(lock);
  return holder !== undefined && isAlive(holder) ? holder.pid : undefined;
}

/** Replaces a holder that has ended. Only the process that creates the takeover file may do this. */
function takeOver(lock: string, own: string): number | undefined {
  const takeover = `${lock}.takeover`;
  if (ageMs(takeover) > TAKEOVER_MS) rmSync(takeover, { force: true });
  if (!succeeds(() => writeFileSync(takeover, "", { flag: "wx", mode: 0o600 }), "EEXIST"))
    throw new UsageError(
      `another playground is starting in this directory at the same moment (${takeover}): try again`,
    );
  try {
    const holder = readHolder(lock);
    if (holder !== undefined && isAlive(holder)) return holder.pid;
    if (holder !== undefined) rmSync(lock);
    return succeeds(() => linkSync(own, lock), "EEXIST") ? undefined : lockHolder(lock);
  } finally {
    rmSync(takeover, { force: true });
  }
}

function succeeds(act: () => void, refusal: string): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === refusal) return false;
    throw error;
  }
}

function ageMs(file: string): number {
  const seen = statSync(file, { throwIfNoEntry: false });
  return seen === undefined ? 0 : Date.now() - seen.mtimeMs;
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

/** Whether the holder still runs. Its start time tells it from a later process with the same number. */
function isAlive({ pid, startTime }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM means that the process exists and belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const seen = startTimeOf(pid);
  return seen === undefined || seen === startTime;
}

/** Start time of a process in clock ticks since boot; undefined without /proc. */
function startTimeOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[19];
  } catch {
    return undefined;
  }
}
