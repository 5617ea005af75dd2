import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { UsageError } from "../../platform/errors.ts";

/** A takeover lasts microseconds: one that is older was killed in the middle. */
const TAKEOVER_MS = 5_000;

/**
 * Takes the lock for this process: of several at once exactly one gets it. The process number of a running holder;
 * undefined when the lock is ours. What a dead holder left is taken over.
 */
export function takeProcessLock(lock: string): number | undefined {
  const own = `${lock}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${startTimeOf(process.pid) ?? ""}\n`, { mode: 0o600 });
  try {
    // A link to a finished file: nobody ever reads half a lock.
    if (succeeds(() => linkSync(own, lock), "EEXIST")) return undefined;
    return lockHolder(lock) ?? takeOver(lock, own);
  } finally {
    rmSync(own, { force: true });
  }
}

/** The process number of who holds the lock and runs. */
export function lockHolder(lock: string): number | undefined {
  const holder = readHolder(lock);
  return holder !== undefined && isAlive(holder) ? holder.pid : undefined;
}

/** Only one may put itself in the place of a dead holder: whoever makes the second file, for as long as it is there. */
function takeOver(lock: string, own: string): number | undefined {
  const takeover = `${lock}.takeover`;
  if (ageMs(takeover) > TAKEOVER_MS) rmSync(takeover, { force: true });
  if (!succeeds(() => writeFileSync(takeover, "", { flag: "wx", mode: 0o600 }), "EEXIST"))
    throw new UsageError(
      `another playground is just starting where a killed one was (${takeover}): try again`,
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

/** The same process, and not a later one under its number. */
function isAlive({ pid, startTime }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process is one all the same.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
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
